"""A configuration lists every fault at once and survives a round trip through JSON."""

import dataclasses
import json

import pytest

from transformer_lab import ModelConfig, OneHeadConfig, TrainConfig
from transformer_lab.errors import ConfigError

MODEL = {"d_vocab": 26, "n_ctx": 20}
TRAIN = {"steps": 10, "warmup": 0, "learning_rate": 0.1}


@pytest.mark.parametrize("config", [
    ModelConfig(**MODEL, positions="rotary", d_model=8), OneHeadConfig(**MODEL, positions="learned", d_pos=3),
    TrainConfig(**TRAIN, seed=7)])
def test_a_round_trip_through_json_gives_the_same_configuration(config):
    assert type(config).from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_all_faults_come_at_once():
    with pytest.raises(ConfigError) as caught:
        TrainConfig(steps=0, learning_rate=-1, batch=2.5, seed=-3)
    assert len(caught.value.faults) == 4
    assert [fault.split(":")[0] for fault in caught.value.faults] == ["steps", "batch", "learning_rate", "seed"]


def test_unknown_and_missing_fields_are_faults():
    with pytest.raises(ConfigError, match="stepz") as caught:
        ModelConfig.from_dict({"stepz": 3})
    assert len(caught.value.faults) == 3


def test_a_configuration_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainConfig(**TRAIN).steps = 5
