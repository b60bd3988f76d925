"""Every mistake in alerts.yaml is told at once, with its place and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.alerts_file import AlertsFileError, load_alerts, parse
from sync.errors import Code

ROOT = Path(__file__).resolve().parent.parent.parent


def mistakes(text: str | bytes) -> list[str]:
    with pytest.raises(AlertsFileError) as caught:
        parse(text.encode() if isinstance(text, str) else text, "a.yaml")
    assert caught.value.code is Code.CF004
    return [str(mistake) for mistake in caught.value.mistakes]


def alert(lines: str) -> str:
    return (
        f"alerts:\n  - name: A\n    severity: warning\n    {lines}\nroutes:\n  - severity: warning\n    to: [slack]\n"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            "sync_interval: 60",
            "a.yaml:1:16: 60 has no unit; write 60s for seconds, 60m for minutes",
            id="no unit",
        ),
        pytest.param("sync_interval: 0s", "a.yaml:1:16: '0s' is too short; one second, 1s, is the shortest", id="0s"),
        pytest.param(
            "sync_interval: 5x", "a.yaml:1:16: 'x' is not a unit of time; use s, m, h, d or w, as in 1h30m", id="unit"
        ),
        pytest.param(
            "sync_interval: 1m1h",
            "a.yaml:1:16: '1m1h' names its units out of order; write the largest first, each once: 1h30m",
            id="order of units",
        ),
        pytest.param(
            "catalogue: {price: copie}",
            "a.yaml:1:20: 'copie' is not a policy of a field; did you mean copy?",
            id="policy of a field",
        ),
        pytest.param(
            "catalogue: {discontinued: delete}",
            "a.yaml:1:27: 'delete' is not a way with discontinued items; known are archived, draft, never",
            id="way with discontinued items",
        ),
        pytest.param(
            "chek_interval: 5m",
            "a.yaml:1:1: there is no setting 'chek_interval' here; did you mean check_interval?",
            id="unknown key",
        ),
        pytest.param(
            "limits:\n  stock:\n    order_lagg: 5m",
            "a.yaml:3:5: there is no setting 'order_lagg' here; did you mean order_lag?",
            id="unknown key deep inside",
        ),
        pytest.param(
            "channels:\n  slack: {chanel: x}",
            "a.yaml:2:11: there is no setting 'chanel' here; did you mean channel?",
            id="unknown key of an optional part",
        ),
        pytest.param(
            "limits: {stock: {drift_limit: '3'}}",
            "a.yaml:1:31: '3' is not a whole number; write it without quotes and without a unit, like 10",
            id="quoted number",
        ),
        pytest.param(
            "limits: {stock: {drift_limit: -1}}",
            "a.yaml:1:31: '-1' is too small; use 0 or more",
            id="negative",
        ),
        pytest.param(
            "limits: {stock: {brakes: {zero: 0.1}}}",
            "a.yaml:1:33: '0.1' is not a percentage; write it like 10%",
            id="fraction in place of a percentage",
        ),
        pytest.param(
            "limits: {stock: {brakes: {zero: 101%}}}",
            "a.yaml:1:33: '101%' is more than everything; write a percentage from 0% to 100%",
            id="more than all",
        ),
        pytest.param(
            'full_pass_at: "25:00"',
            "a.yaml:1:15: '25:00' is not a time of day; write hours and minutes in UTC, with quotes: \"09:00\"",
            id="time of day",
        ),
        pytest.param(
            "sync_interval: 1s\nsync_interval: 2s",
            "a.yaml:2:1: 'sync_interval' stands here twice; keep one of them",
            id="duplicate key",
        ),
        pytest.param(
            "channels: {email: {to: [nobody]}}",
            "a.yaml:1:25: 'nobody' is not a mail address; write it like ops@wtfswag.com",
            id="mail address",
        ),
        pytest.param(
            'channels: {email: {to: ["a@b.c\\r\\nBcc: x@y.z"]}}',
            "a.yaml:1:25: 'a@b.c\\r\\nBcc: x@y.z' is not a mail address; write it like ops@wtfswag.com",
            id="header in a mail address",
        ),
        pytest.param(
            "channels: {sms: {to: [15551234567]}}",
            "a.yaml:1:23: '15551234567' is not a telephone number; write it like \"+15551234567\", with quotes",
            id="telephone number",
        ),
        pytest.param("alerts: 5", "a.yaml:1:9: alerts is not a list; begin each entry with a dash", id="not a list"),
        pytest.param(
            "- 1",
            "a.yaml:1:1: the file is not a list of settings; begin with lines like `sync_interval: 60s`",
            id="a list in place of settings",
        ),
        pytest.param(
            "a: [1,\nb: 2",
            "a.yaml:1:4: what is opened here is not closed by ], or lacks a comma; close it with ]",
            id="broken YAML",
        ),
        pytest.param(
            "check_interval: 1m\nx: \x07", "a.yaml:2:4: the character '\\x07' is not taken; remove it", id="control"
        ),
        pytest.param(
            b"check_interval: 1m\n\xff", "a.yaml:2:1: this is not UTF-8; save the file as UTF-8", id="not UTF-8"
        ),
        pytest.param(
            "x: 1\n---\ny: 2",
            "a.yaml:2:1: a second document begins here; keep everything in one; remove the ---",
            id="two documents",
        ),
        pytest.param(
            "[" * 40, "a.yaml:1:13: this is nested too deeply; see docs/alerts.md for the file's shape", id="deep"
        ),
        pytest.param(
            b"#" * 262_145,
            "a.yaml:1:1: the file is larger than 256 KiB; this is not an alerts file, or most of it is not needed",
            id="large",
        ),
        pytest.param(
            alert("when: eror_rate > 5%"),
            "a.yaml:4:11: there is no signal 'eror_rate'; did you mean error_rate?",
            id="unknown signal",
        ),
        pytest.param(
            alert("when: sync_latency > 10"),
            "a.yaml:4:26: sync_latency is measured as a duration, but 10 has no unit; "
            "write 10s for seconds, 10m for minutes",
            id="unit of a duration",
        ),
        pytest.param(
            alert("when: error_rate > 5"),
            "a.yaml:4:24: error_rate is measured as a ratio, but '5' is not a percentage; write it like 5%",
            id="unit of a rate",
        ),
        pytest.param(
            alert("when: discrepant_skus > 5m"),
            "a.yaml:4:29: discrepant_skus is measured as a count, but '5m' is not a plain number; "
            "write it without a unit, like 5",
            id="unit of a count",
        ),
        pytest.param(
            alert("when: discrepant_skus"),
            "a.yaml:4:11: 'discrepant_skus' is not a condition; write SIGNAL OPERATOR NUMBER, like discrepant_skus > 5",
            id="half a condition",
        ),
        pytest.param(
            alert("when: discrepant_skus > 5\n    over: 5m"),
            "a.yaml:5:5: discrepant_skus is a number of this moment and has no window; "
            "add `take: max`, use `for`, or remove `over`",
            id="a window without a rate",
        ),
        pytest.param(
            alert("when: sync_latency > 5m\n    min_events: 5"),
            "a.yaml:5:5: sync_latency is no rate, so it counts no events; remove `min_events`",
            id="events without a rate",
        ),
        pytest.param(
            alert('when: discrepant_skus > 5\n    summary: "{{ valu }} differ"'),
            "a.yaml:5:14: there is no 'valu' to be filled in; did you mean value?",
            id="unknown placeholder",
        ),
        pytest.param(
            alert("when: discrepant_skus > 5").replace("to: [slack]", "to: [slack, sms]"),
            "a.yaml:7:17: text messages are for critical alerts only; remove sms from this route",
            id="text messages for a warning",
        ),
        pytest.param(
            alert("when: discrepant_skus > 5") + "channels: {email: {}}",
            "a.yaml:7:10: slack has no settings under `channels`; add `slack:` there, or remove it here",
            id="unreachable channel",
        ),
        pytest.param(
            alert("when: discrepant_skus > 5").replace("severity: warning\n    when", "severity: info\n    when"),
            "a.yaml:3:15: nobody would be told: no route fits A; add one under `routes`, or change the severity",
            id="no route",
        ),
        pytest.param(
            alert("when: discrepant_skus > 5").replace("severity: warning\n    when", "when"),
            "a.yaml:2:5: severity is missing; add `severity:` with critical, warning or info",
            id="missing key",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_would_be_right(text: str | bytes, said: str) -> None:
    assert mistakes(text) == [said]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("a: &x 1\nb: *x\n", ["1:4", "2:4"]),
        ("sync_interval: &x 1m\n", ["1:16"]),
    ],
    ids=["alias", "anchor"],
)
def test_anchors_and_aliases_are_refused_where_they_stand(text: str, places: list[str]) -> None:
    assert mistakes(text) == [
        f"a.yaml:{place}: anchors and aliases are not taken; write the value out" for place in places
    ]


def test_a_tag_is_refused_and_builds_nothing() -> None:
    assert mistakes("sync_interval: !!python/name:os.system 1m") == [
        "a.yaml:1:16: the tag 'tag:yaml.org,2002:python/name:os.system' is not taken; write a plain value",
        "a.yaml:1:16: 'None' is not a duration; write it like 60s, 5m or 1h30m",
    ]


def test_all_mistakes_come_at_once_in_the_order_of_the_file() -> None:
    text = """\
sync_interval: 60
alerts:
  - name: X y
    when: eror_rate > 5%
    severity: warn
  - name: B
    when: discrepant_skus > 5
    severity: critical
    over: 5m
  - name: B
    when: error_rate > 5
    severity: critical
routes:
  - severity: critical
    to: [slak]
limits: {stock: {drift_limit: many}}
"""

    assert [said.split(" ")[0] for said in mistakes(text)] == [
        "a.yaml:1:16:",
        "a.yaml:3:11:",
        "a.yaml:4:11:",
        "a.yaml:5:15:",
        "a.yaml:9:5:",
        "a.yaml:11:24:",
        "a.yaml:15:10:",
        "a.yaml:16:31:",
    ]


def test_two_alerts_of_one_name_are_refused() -> None:
    text = alert("when: discrepant_skus > 5").replace(
        "routes:", "  - name: A\n    when: parked_skus > 1\n    severity: warning\nroutes:"
    )

    assert mistakes(text) == ["a.yaml:5:11: a second alert is named A; rename one of them"]


def test_a_missing_file_is_one_clear_sentence(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"

    with pytest.raises(AlertsFileError, match="No such file or directory; name a file that can be read"):
        load_alerts(path)
