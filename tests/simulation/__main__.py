import sys, time, tempfile, logging
from pathlib import Path
import structlog
from tests.simulation.script import draw_options, draw_script
from tests.simulation.simulate import simulate
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL if "-v" not in sys.argv else logging.DEBUG))
seed, days = int(sys.argv[1]), float(sys.argv[2])
options = draw_options(seed, days)
print(options.told())
import cProfile,pstats
t=time.process_time()
pr=cProfile.Profile()
if '-p' in sys.argv: pr.enable()
with tempfile.TemporaryDirectory(dir="/dev/shm") as f:
    r = simulate(options, draw_script(options), Path(f))
    if "-s" in sys.argv:
        from tests.simulation.ledger_checks import Record
        for row in Record(Path(f)/f"seed-{seed}").rows("SELECT incident_id, channel, kind, state, attempts, maybe_repeated, identity, created_at, sent_at, last_error FROM outbox"): print(row)
w=time.process_time()-t
if '-p' in sys.argv:
    pr.disable(); pstats.Stats(pr).sort_stats('cumtime').print_stats(90)
for v in r.violations: print(v)
print(r.beacons)
print(f"{r.seconds/86400:.2f} days in {w:.1f} s = {r.seconds/86400/w*60:.2f} days/min/core; requests {r.requests} passes {r.passes} steps {r.steps} kills {r.kills} orders {r.orders} race {r.oversold_race} {r.digest[:12]}")
if "-t" in sys.argv: print("\n".join(r.last_lines[-60:]))
