"""What is wrong in alerts.yaml only when its parts are seen together, each with its place and what would be right."""

from __future__ import annotations

import pytest

from monitor.alerts_file import AlertsFileError, read

ROUTES = "routes:\n  - to: [slack]\n"


def said(text: str) -> list[str]:
    """Return what is said of a file, without its name."""
    with pytest.raises(AlertsFileError) as caught:
        read(text.encode(), "a.yaml")
    return [str(mistake).removeprefix("a.yaml:") for mistake in caught.value.mistakes]


def alert(lines: str, when: str = "discrepant_skus > 5") -> str:
    """Return a file with one alert that says more; its condition is at 3:11, `lines` begin at 5:5."""
    return f"alerts:\n  - name: A\n    when: {when}\n    severity: critical\n    {lines}\n{ROUTES}"


# --- conditions ---


@pytest.mark.parametrize(
    ("when", "problem"),
    [
        ("discrepant_skus < 0", "3:11: 'discrepant_skus < 0' can never hold; discrepant_skus is always 0 or more"),
        ("sync_latency == -5m", "3:27: sync_latency is measured as a duration, but '-5m' is not a duration"),
        ("discrepant_skus >= 0", "3:11: 'discrepant_skus >= 0' always holds; discrepant_skus is always 0 or more"),
        ("error_rate > 100%", "3:11: 'error_rate > 100%' can never hold; error_rate is always from 0% to 100%"),
        ("error_rate > 101%", "3:24: error_rate is measured as a ratio, but '101%' is more than everything"),
        ("error_rate <= 100%", "3:11: 'error_rate <= 100%' always holds"),
        (
            "parked_skus > 5 and parked_skus < 3",
            "3:11: 'parked_skus > 5 and parked_skus < 3' can never hold; no number is both",
        ),
        (
            "sync_latency > 5m and (parked_skus >= 5 or sync_latency <= 5m)",
            "3:11: 'sync_latency <= 5m' can never hold; no number is both",
        ),
        ("parked_skus > 0 and parked_skus <= 0", "3:11: 'parked_skus > 0 and parked_skus <= 0' can never hold"),
        ("parked_skus >= 5 and parked_skus < 5", "3:11: 'parked_skus >= 5 and parked_skus < 5' can never hold"),
        ('""', "3:11: '' is not a condition; write SIGNAL OPERATOR NUMBER"),
        ("7", "3:11: '7' is not a condition; write SIGNAL OPERATOR NUMBER"),
        ("parked_skus > 3 and parked_skus == 2", "3:11: 'parked_skus > 3 and parked_skus == 2' can never hold"),
        ("parked_skus == 3 and parked_skus != 3", "3:11: 'parked_skus == 3 and parked_skus != 3' can never hold"),
        ("parked_skus > 3 and error_rat > 5%", "3:31: there is no signal 'error_rat'; did you mean error_rate?"),
        ("(parked_skus > 3 or dead_orders > 1", "3:46: a parenthesis is not closed; add the other one"),
        ("parked_skus > 3) or dead_orders > 1", "3:26: a parenthesis is closed that was never opened; remove it"),
        ("parked_skus > 3 and", "3:30: a comparison is missing at the end; write SIGNAL OPERATOR NUMBER"),
        ("and parked_skus > 3", "3:11: a comparison is missing before and; write SIGNAL OPERATOR NUMBER"),
        ("parked_skus > 3 or or dead_orders > 1", "3:30: a comparison is missing before or"),
        ("(parked_skus > 3) dead_orders > 1", "3:29: something stands behind a parenthesis; join both"),
        ("parked_skus > 3 (dead_orders > 1)", "3:27: something stands before a parenthesis; join both"),
        ("'parked_skus > 3 or dead_orders >'", "3:31: 'dead_orders >' is not a condition"),
        (
            f"parked_skus > 3{' or parked_skus > 3' * 60}",
            "3:11: a condition of 1155 characters is too long",
        ),
    ],
)
def test_a_condition_that_makes_no_sense_is_refused(when: str, problem: str) -> None:
    (found,) = said(alert("for: 1m", when))

    assert found.startswith(problem)


@pytest.mark.parametrize(
    "when",
    [
        "parked_skus > 5 and parked_skus < 7",
        "parked_skus >= 5 and parked_skus <= 5",
        "parked_skus > 5 or parked_skus < 3",
        "parked_skus < 5 and parked_skus <= 3 and parked_skus >= 3",
        "error_rate == 100%",
        "app_uninstalled == 0",
        "parked_skus != 3",
        "((parked_skus > 5))",
        "sync_latency > 1h 30m and (parked_skus > 5 or error_rate > 5 %) or dead_orders > 0",
    ],
)
def test_a_condition_that_can_hold_is_taken(when: str) -> None:
    assert read(alert("for: 1m", when).encode()).doubts == ()


# --- keys that go together ---


@pytest.mark.parametrize(
    ("lines", "when", "problem"),
    [
        ("clear: 7", "parked_skus > 5", "5:5: '7' is no recovery from 'parked_skus > 5'; write less than 5"),
        ("clear: 5", "parked_skus > 5", "5:5: '5' is no recovery from 'parked_skus > 5'; write less than 5"),
        ("clear: 5m", "sync_latency < 10m", "5:5: '5m' is no recovery from 'sync_latency < 10m'; write more than 10m"),
        ("clear: 5", "sync_latency > 10m", "5:5: sync_latency is measured as a duration, but 5 has no unit; write 5s"),
        ("clear: 3", "parked_skus == 5", "5:5: parked_skus == 5 ends where it began; remove `clear`, or compare"),
        ("clear: 3", "parked_skus > 5 or dead_orders > 5", "5:5: only a single comparison can have another limit"),
        ("take: max", "parked_skus > 5", "5:5: it is not said over how long; add `over:` with a duration, like 15m"),
        ("take: maxi", "parked_skus > 5", "5:11: 'maxi' is not a way to take a value; did you mean max?"),
        (
            "take: max\n    over: 5m",
            "error_rate > 5%",
            "5:5: error_rate is counted over a window already; remove `take`",
        ),
        (
            "evaluations: 3 of 5\n    for: 5m",
            "parked_skus > 5",
            "6:5: `for` and `evaluations` say different things about how long; keep one of them",
        ),
        (
            "keep_firing_for: 5m\n    evaluations: 3 of 5",
            "parked_skus > 5",
            "5:5: `keep_firing_for` and `evaluations` say different things about how long; keep one of them",
        ),
        ("evaluations: 5 of 3", "parked_skus > 5", "5:18: '5 of 3' can never be counted; ask for at least 1"),
        ("evaluations: often", "parked_skus > 5", "5:18: 'often' does not count evaluations; write it like 3 of 5"),
        ("no_data: keeps", "parked_skus > 5", "5:14: 'keeps' is not a meaning of a missing number; did you mean keep?"),
        ("labels: [ops]", "parked_skus > 5", "5:13: \"['ops']\" is not a group of labels; write it like {team: ops}"),
        ("labels: {my team: ops}", "parked_skus > 5", "5:13: 'my team' is not a label's name; use letters"),
        (
            "runbook: wiki",
            "parked_skus > 5",
            "5:14: 'wiki' is not a link; write it like https://wiki.example.com/stock",
        ),
        ('summary: "{{ value"', "parked_skus > 5", "5:14: '{{ value' cannot be read:"),
        (
            'description: "{{ parked_orders }}"',
            "parked_skus > 5",
            "5:18: there is no 'parked_orders' to be filled in; did you mean parked_skus?",
        ),
        ("clear: " + "9" * 400, "parked_skus > 5", "5:12: a limit of 400 characters is too long; use at most 60"),
        ('summary: "\\ud800 x"', "parked_skus > 5", "5:14: '\\ud800 x' holds half of a character; write the character"),
        ('labels: {t: "\\udfff"}', "parked_skus > 5", "5:17: '\\udfff' holds half of a character; write the character"),
        ('summary: "\\UFFFFFFFF"', "parked_skus > 5", "1:1: this file cannot be read ("),
    ],
)
def test_keys_of_an_alert_that_do_not_go_together_are_refused(lines: str, when: str, problem: str) -> None:
    (found,) = said(alert(lines, when))

    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{% for i in range(99999) %}{% endfor %}", "5:14: for is not taken"),
        ("{% for i in [1] %}" * 21 + "{% endfor %}" * 21, "5:14: for is not taken"),
        ("{% macro m() %}{% endmacro %}", "5:14: macro is not taken"),
        ("{% set a = 1 %}", "5:14: assign is not taken"),
        ("{{ 10**(10**7) }}", "5:14: pow is not taken"),
        ("{{ 10**5000 }}", "5:14: pow is not taken"),
        ("{{ value * 9 }}", "5:14: mul is not taken"),
        ("{{ range(9) }}", "5:14: call is not taken"),
        ("{{ value | center(99999999) }}", "5:14: the filter 'center' is not taken"),
        (
            "{{ " + "not " * 235 + "value }}",
            "5:14: '{{ not not not not not not not not not not not not not not n...' is nested",
        ),
        ("{{ range }}", "5:14: there is no 'range' to be filled in"),
        ("{{ " + "(" * 450 + "value" + ")" * 450 + " }}", "5:14: '{{ (((("),
    ],
)
def test_a_sentence_that_does_more_than_fill_in_is_refused(text: str, problem: str) -> None:
    (found,) = said(alert(f"summary: '{text}'"))

    assert found.startswith(problem)


@pytest.mark.parametrize(
    "text",
    [
        "{{ value | upper }} {{ labels.team | default(1) }}",
        "{% if value == limit and not labels %}a{% elif since %}b{% else %}c{% endif %}",
        "{{ alert if severity in value else limit }} {{ labels['team'] }}",
        "{% if value %}" * 35 + "{% endif %}" * 35,
    ],
)
def test_a_sentence_that_only_fills_in_is_taken(text: str) -> None:
    assert [found.summary for found in read(alert(f'summary: "{text}"').encode()).content.alerts] == [text]


def test_a_number_that_nobody_counts_is_refused() -> None:
    (found,) = said(alert("for: 5m", "discrepant_skus > " + "5" * 400))

    assert found.startswith("3:29: discrepant_skus is measured as a count, but '5555")
    assert found.endswith("is too large; write a number of at most 1000000000000")


# --- names ---

TWO = """\
alerts:
  - {name: Down, when: parked_skus > 5, severity: critical}
  - {name: Slow, when: parked_skus > 5, severity: critical}
"""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(
            alert("depends_on: [Dwon]").replace("alerts:", TWO.rstrip()),
            "7:18: there is no alert 'Dwon'; did you mean Down?",
            id="depends on nobody",
        ),
        pytest.param(
            alert("depends_on: A"), "5:17: A depends on itself (A -> A), so none of them would be told", id="on itself"
        ),
        pytest.param(
            TWO.replace("}\n  -", ", depends_on: [Slow]}\n  -").replace("critical}\n", "critical, depends_on: Down}\n")
            + ROUTES,
            "2:73: Down depends on itself (Down -> Slow -> Down), so none of them would be told",
            id="on each other",
        ),
        pytest.param(
            TWO + "routes:\n  - {alerts: [Slo], to: slack}\n  - {to: slack}\n",
            "5:15: there is no alert 'Slo'; did you mean Slow?",
            id="a route for nobody",
        ),
        pytest.param(
            alert("business_hours: shop"),
            "5:21: there are no business hours 'shop'; add `shop:` under `business_hours`",
            id="no hours",
        ),
        pytest.param(
            alert("business_hours: outside shp") + "business_hours: {shop: {zone: UTC, open: mon 09:00-10:00}}\n",
            "5:21: there are no business hours 'shp'; did you mean shop?",
            id="other hours",
        ),
        pytest.param(
            alert("for: 1m") + "business_hours: {shop: {zone: America/New_Yrok, open: mon 09:00-10:00}}\n",
            "8:31: 'America/New_Yrok' is not a time zone; did you mean America/New_York?",
            id="a zone",
        ),
        pytest.param(
            alert("for: 1m") + "business_hours: {my shop: {zone: UTC, open: mon 09:00-10:00}}\n",
            "8:18: 'my shop' is not a name; use letters, digits, - and _",
            id="a name of hours",
        ),
        pytest.param(
            alert("for: 1m") + "business_hours: {shop: {zone: UTC, open: mno 09:00-10:00}}\n",
            "8:42: 'mno' is not a day of the week; did you mean mon?",
            id="a day",
        ),
        pytest.param(
            alert("for: 1m") + "business_hours: {shop: {zone: UTC, open: mon 09:00-10:00, holidays: 2026-02-30}}\n",
            "8:69: '2026-02-30' is not a date",
            id="a day that never comes",
        ),
    ],
)
def test_a_name_that_nothing_has_is_refused(text: str, problem: str) -> None:
    (found,) = said(text)

    assert found.startswith(problem)


# --- windows ---


@pytest.mark.parametrize(
    ("window", "problem"),
    [
        ("author: A, reason: r", "9:12: it is not said when move is; add `times`, or `from` and `until`"),
        ('author: A, reason: r, from: "2026-12-24 22:00"', "9:12: `until` is missing; add `until:` with date and time"),
        (
            'author: A, reason: r, from: "2026-12-24 22:00", until: "2026-12-24 21:00"',
            "9:84: it ends before it begins; write a later moment",
        ),
        (
            'author: A, reason: r, times: "sun 22:00-02:00", from: "2026-12-24 22:00"',
            "9:58: a window either recurs or is once; keep `times`, or `from` and `until`",
        ),
        ('author: A, reason: r, from: "2026-12-24"', "9:57: '2026-12-24' is not a moment; write date and time"),
        ('author: A, times: "sun 22:00-02:00"', "9:5: reason is missing; add `reason:` with a few words"),
        ('author: A, reason: r, times: "sun 22:00-02:00", alerts: [B]', "9:86: there is no alert 'B'; known are A"),
    ],
)
def test_a_window_that_never_is_is_refused(window: str, problem: str) -> None:
    (found,) = said(alert("for: 1m") + f"maintenance:\n  - {{name: move, zone: UTC, {window}}}\n")

    assert found.startswith(problem)


# --- ways to people ---

CHANNELS = """\
channels:
  slack: {}
  email: {}
  sms: {}
"""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(
            alert("to: [emial]"),
            "5:10: emial has no settings under `channels`; did you mean email?",
            id="an alert's way",
        ),
        pytest.param(
            alert("to: [pager]"),
            "5:10: pager has no settings under `channels`; add `pager:` there",
            id="no such channel",
        ),
        pytest.param(
            alert("to: [sms]").replace("critical", "warning"),
            "5:10: text messages are for critical alerts only; remove sms from this alert",
            id="an alert's texts",
        ),
        pytest.param(
            alert("for: 1m") + "    escalate: [{after: 5m, to: sms}]\n",
            "8:32: text messages are for critical alerts only; remove sms from this step",
            id="a step's texts",
        ),
        pytest.param(
            alert("for: 1m")
            + CHANNELS.replace("slack: {}", "slack: {fallback: email}").replace("email: {}", "email: {fallback: sms}"),
            "10:21: text messages are for critical alerts only, and others come to email; name another",
            id="texts by way of two fallbacks",
        ),
        pytest.param(
            alert("for: 1m") + CHANNELS.replace("slack: {}", "slack: {fallback: pager}"),
            "9:21: pager has no settings under `channels`",
            id="a fallback",
        ),
        pytest.param(
            alert("for: 1m") + "digest: {at: 08:00, zone: UTC, to: sms}\n",
            "8:36: text messages are for critical alerts only; remove sms from this digest",
            id="a digest's texts",
        ),
        pytest.param(
            alert("for: 1m") + "  - {severity: critical, to: email}\n",
            "8:5: no alert comes here: the route in line 7 takes all of them; join both, or put this one first",
            id="a route behind one that takes all",
        ),
        pytest.param(
            alert("for: 1m").replace("  - to: [slack]", "  - {labels: {team: ops}, to: slack}"),
            "4:15: nobody would be told: no route fits A; add one under `routes`",
            id="no route",
        ),
        pytest.param(
            alert("for: 1m") + CHANNELS + "  pager: {}\n",
            "12:3: of pager it is not known what it is; add `type:` with one of slack, email",
            id="a channel without a type",
        ),
        pytest.param(
            alert("for: 1m") + CHANNELS + "  boss: {type: mail}\n",
            "12:16: 'mail' is not a type of channel; did you mean email?",
            id="a type",
        ),
        pytest.param(
            alert("for: 1m") + CHANNELS + "  hook: {type: webhook, url: http://example.com/}\n",
            "12:30: 'http://example.com/' is not an address to send to; write https://",
            id="an address in the open",
        ),
        pytest.param(
            alert("for: 1m") + CHANNELS + "  hook: {type: webhook, url: https://e.com/, tokn_from: A}\n",
            "12:46: there is no setting 'tokn_from' here; did you mean token_from?",
            id="a key of a channel",
        ),
    ],
)
def test_a_way_that_does_not_lead_to_people_is_refused(text: str, problem: str) -> None:
    (found,) = said(text)

    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("before", "behind", "taken"),
    [
        ("alerts: [Down, Slow]", "alerts: [Down]", False),
        ("alerts: [Down, Slow]", "alerts: [Slow, Down]", False),
        ("alerts: [Down]", "alerts: [Down, Slow]", True),
        ("alerts: [Down]", "severity: critical", True),
        ("severity: [critical, info]", "severity: critical", False),
        ("severity: critical", "severity: [critical, info]", True),
        ("labels: {team: ops}", "labels: {team: ops, shop: a}", False),
        ("labels: {team: ops}", "labels: {team: buying}", True),
    ],
)
def test_a_route_is_in_vain_behind_one_that_takes_as_much(before: str, behind: str, taken: bool) -> None:
    text = f"{TWO}routes:\n  - {{{before}, to: slack}}\n  - {{{behind}, to: slack}}\n"
    rest = f"{text}  - to: slack\n"
    if taken:
        assert len(read(rest.encode()).content.routes) == 3
    else:
        assert said(rest)[0].startswith("6:5: no alert comes here: the route in line 5 takes all of them")


def test_a_channel_that_is_only_a_fallback_is_used() -> None:
    text = alert("for: 1m") + CHANNELS.replace("slack: {}", "slack: {fallback: email}")

    assert [doubt.problem for doubt in read(text.encode()).doubts] == ["nothing leads to sms"]


def test_fallbacks_that_lead_back_are_refused_at_each_of_them() -> None:
    text = alert("for: 1m") + CHANNELS.replace("slack: {}", "slack: {fallback: email}").replace(
        "email: {}", "email: {fallback: slack}"
    )

    assert said(text) == [
        "9:21: the fallback of slack leads back to slack; name another channel, or none",
        "10:21: the fallback of email leads back to email; name another channel, or none",
    ]


# --- what is only doubtful ---


def test_what_is_probably_not_meant_is_told_and_taken() -> None:
    text = "check_interval: 5m\nrepeat_interval: 1m\n" + alert("for: 1m") + "    repeat_interval: 2m\n" + CHANNELS
    found = read(text.encode(), "a.yaml")

    assert [str(doubt).partition(";")[0] for doubt in found.doubts] == [
        "a.yaml:2:18: rules may be judged only every 5m, so nothing is repeated every 1m",
        "a.yaml:10:22: rules may be judged only every 5m, so nothing is repeated every 2m",
        "a.yaml:13:3: nothing leads to email",
        "a.yaml:14:3: nothing leads to sms",
    ]
    assert len(found.content.alerts) == 1
