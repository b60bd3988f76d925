"""A file that is no YAML is told in plain words, at the place of the cause."""

from __future__ import annotations

import pytest

from monitor.alerts_file import AlertsFileError, parse

RULE = "alerts:\n  - name: A\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            RULE + "    when: discrepant_skus > 5\n    for 15m\n    severity: warning\n",
            "4:5: a colon is missing in this line; write `for: 15m`",
            id="no colon",
        ),
        pytest.param(
            RULE + "    for 15m\n", "3:5: a colon is missing in this line; write `for: 15m`", id="no colon at the end"
        ),
        pytest.param(
            RULE + "   when: discrepant_skus > 5\n",
            "3:4: this begins in another column than its neighbours; indent it like the lines it belongs to",
            id="indented otherwise",
        ),
        pytest.param("alerts:\n\t- name: A\n", "2:1: a tab stands here; indent with spaces", id="a tab"),
        pytest.param(
            'alerts:\n  - name: "A\n    when: x > 5\n',
            "2:11: the quote that begins here is never closed; close it in the same line",
            id="an open quote",
        ),
        pytest.param(
            "alerts: [a, b\nroutes:\n",
            "1:9: what is opened here is not closed by ], or lacks a comma; close it with ]",
            id="an open bracket",
        ),
        pytest.param(
            "alerts:\n  - {name: A, when: x > 5\n",
            "2:5: what is opened here is not closed by }, or lacks a comma; close it with }",
            id="an open brace",
        ),
        pytest.param(
            RULE + "    when: > 5\n",
            "3:13: a value cannot begin with > or |; write the signal before it, like discrepant_skus > 5",
            id="no signal",
        ),
        pytest.param(
            "alerts:\n  - name: A: B\n",
            "2:12: there is a colon too many in this line; put a text that holds a colon into quotes",
            id="two colons",
        ),
        pytest.param(
            RULE + "    summary: {{ value }} differ\n    severity: warning\n",
            '3:14: a text that begins with {{ needs quotes; write it like "{{ value }} SKUs differ"',
            id="a template without quotes",
        ),
        pytest.param(
            RULE + "    summary: @here\n",
            "3:14: a value cannot begin with '@'; put the whole value into quotes",
            id="an at sign",
        ),
    ],
)
def test_what_is_no_yaml_is_told_in_plain_words(text: str, said: str) -> None:
    with pytest.raises(AlertsFileError) as caught:
        parse(text.encode())

    assert [str(mistake) for mistake in caught.value.mistakes] == [f"alerts.yaml:{said}"]


@pytest.mark.parametrize(
    ("sign", "right"), [("=>", ">="), ("=<", "<="), ("<>", "!="), ("=", "==")], ids=["=>", "=<", "<>", "="]
)
def test_an_operator_that_is_nearly_one_has_its_right_form(sign: str, right: str) -> None:
    text = f"{RULE}    when: discrepant_skus {sign} 5\n    severity: warning\n    to: slack\n"
    with pytest.raises(AlertsFileError) as caught:
        parse(text.encode())

    said = f"alerts.yaml:3:27: {sign} is not an operator; write {right}"
    assert [str(mistake) for mistake in caught.value.mistakes] == [said]
