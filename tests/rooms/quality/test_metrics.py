"""The metrics as Prometheus reads them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from rooms.quality.metrics import QualityCollector
from rooms.quality.monitor import QualityMonitor
from tests.rooms.quality.known import known


def scraped(monitor: QualityMonitor) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(QualityCollector(monitor))
    text = generate_latest(registry).decode()
    return {
        sample.name + "".join(f"/{value}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_what_is_told() -> None:
    """Of the API, of the worst call, and how many there are of each grade; no name of a room or a person."""
    found = scraped(known())
    assert found["firstword_quality_api_success_rate"] == 0.9
    assert found["firstword_quality_api_latency_ms"] == 20
    assert found["firstword_quality_room_score_worst"] == 0.3
    assert found["firstword_quality_room_loss_worst"] == 0.2
    assert found["firstword_quality_rooms/poor"] == 1
    assert found["firstword_quality_rooms/good"] == 0
    assert found["firstword_quality_rooms_strained"] == 1
    assert found["firstword_quality_alerting/api"] == 1
    assert found["firstword_quality_alerts_total/api"] == 1
    assert found["firstword_quality_strains_total"] == 0
    assert not any("ada" in name or "worse" in name for name in found)


def test_what_was_not_measured_is_left_out() -> None:
    """A score of 0 would be an alarm."""
    found = scraped(QualityMonitor())
    assert "firstword_quality_api_score" not in found
    assert "firstword_quality_room_score_worst" not in found
    assert found["firstword_quality_alerts_total/room"] == 0
