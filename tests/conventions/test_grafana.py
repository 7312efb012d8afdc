"""Dashboards and alerts name metrics that exist, and say what they show."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dialer.metrics import SPECS

pytestmark = pytest.mark.unit

FOLDER = Path(__file__).parents[2] / "grafana"
DASHBOARDS = sorted((FOLDER / "dashboards").glob("*.json"))
RULES = FOLDER / "prometheus" / "alerts.yml"
SERVED = {spec.name + "_total" if spec.counter else spec.name for spec in SPECS}
#: Served, and on no dashboard yet: these belong to other questions than the speed.
ELSEWHERE = SERVED - {name for name in SERVED if re.match(r"dialer_(trunk|channels|account|livekit)_", name)}

_METRIC = re.compile(r"\bdialer_[a-z_]+\b")
_ALERT = re.compile(r"^ +- alert: (\w+)$", re.MULTILINE)


def panels() -> list[Any]:  # Any: it is JSON
    return [
        pytest.param(panel, id=f"{path.stem}: {panel['title']}")
        for path in DASHBOARDS
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]
    ]


def expressions() -> str:
    shown = [target["expr"] for case in panels() for target in case.values[0]["targets"]]
    return "\n".join(shown)


@pytest.mark.parametrize("panel", panels())
def test_a_panel_says_what_it_shows_in_which_unit_from_the_chosen_source(panel: Any) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["targets"]
    for target in panel["targets"]:
        assert target["datasource"]["uid"] == "${datasource}"
        assert target["legendFormat"]


@pytest.mark.parametrize("panel", panels())
def test_metrics_of_a_panel_exist_and_counters_stand_under_a_rate(panel: Any) -> None:
    for target in panel["targets"]:
        assert set(_METRIC.findall(target["expr"])) <= SERVED
        for counter in re.findall(r"\bdialer_\w+_total\b", target["expr"]):
            assert re.search(rf"rate\({counter}\{{[^}}]*\}}\[\$__rate_interval\]\)", target["expr"])


def test_every_metric_of_pacing_is_on_a_dashboard() -> None:
    assert SERVED - set(_METRIC.findall(expressions())) - ELSEWHERE == set()


def test_metrics_of_alerts_exist() -> None:
    expr = "\n".join(re.findall(r"^ +expr: (.+)$", RULES.read_text(encoding="utf-8"), re.MULTILINE))
    assert _METRIC.findall(expr)
    assert set(_METRIC.findall(expr)) <= SERVED


def test_every_alert_has_a_test() -> None:
    tested = re.findall(r"alertname: (\w+)", RULES.with_name("alerts_test.yml").read_text(encoding="utf-8"))
    assert set(_ALERT.findall(RULES.read_text(encoding="utf-8"))) == set(tested)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian's package prometheus) is not installed")
def test_alerts_do_what_their_tests_say() -> None:
    ran = subprocess.run(
        ["promtool", "test", "rules", "alerts_test.yml"], cwd=RULES.parent, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
