"""ModelConfig for the whole transformer: round trip, derived widths, and every fault at once."""

import json

import pytest

from transformer_lab import ModelConfig, OneHeadConfig
from transformer_lab.errors import ConfigError
from transformer_lab.names import parameter_shapes

SIZE = {"d_vocab": 20, "n_ctx": 8}


@pytest.mark.parametrize("fields", [
    {"d_model": 64, "n_heads": 4, "d_mlp": 256, "norm": "layer", "positions": "learned", "read_out": "last", "pad": 0},
    {"d_model": 6, "n_heads": 4, "d_head": 5, "norm": "rms", "placement": "post", "positions": "sinusoidal",
     "activation": "gelu", "residual": False, "tied": True, "dropout": 0.1, "mask": "causal"},
    {}, {"positions": "rotary", "eps": 1e-6, "bias_attention": True, "bias_mlp": False, "bias_unembed": False},
])
def test_a_round_trip_through_json_gives_the_same_configuration(fields):
    config = ModelConfig(**SIZE, **fields)
    again = ModelConfig.from_dict(json.loads(json.dumps(config.to_dict())))
    assert again == config and hash(again) == hash(config)


def test_widths_that_are_left_out_follow_from_the_others():
    assert ModelConfig(**SIZE, d_model=64, n_heads=4).d_head == 16
    assert ModelConfig(**SIZE).d_model == 20
    assert OneHeadConfig(**SIZE, positions="one_hot").d_model == 28
    assert OneHeadConfig(**SIZE, positions="learned", d_pos=3).d_model == 23


def test_all_faults_come_at_once():
    with pytest.raises(ConfigError) as caught:
        ModelConfig(d_vocab=20, n_ctx=0, d_model=63, n_heads=4, pad=20, norm="leyer", residual=1, dropout=1.0)
    assert {fault.split(":")[0] for fault in caught.value.faults} == {
        "n_ctx", "n_heads", "pad", "norm", "residual", "dropout"}
    assert "Did you mean 'layer'?" in str(caught.value)


@pytest.mark.parametrize(("fields", "fault"), [
    ({"d_model": 64, "n_heads": 5}, "n_heads"),
    ({"d_model": 64, "n_heads": 4, "d_head": 8, "output_projection": False}, "d_head"),
    ({"d_model": 7, "positions": "sinusoidal"}, "d_model"),
    ({"d_model": 6, "n_heads": 2, "positions": "rotary"}, "d_head"), ({"positions": "one_hot"}, "positions"),
    ({"eps": 0}, "eps"), ({"activation": "gelu_new"}, "activation"),
    ({"pad": -1}, "pad"), ({"pad": 0.5}, "pad"), ({"dropout": -0.1}, "dropout"), ({"tied": "yes"}, "tied"),
])
def test_what_does_not_fit_together_is_a_fault(fields, fault):
    with pytest.raises(ConfigError) as caught:
        ModelConfig(**SIZE, **fields)
    assert [line.split(":")[0] for line in caught.value.faults] == [fault]


def test_the_parameters_follow_from_the_configuration():
    names = set(parameter_shapes(ModelConfig(**SIZE, d_model=8)))
    assert names == {"W_E", "W_U", "b_U", *(f"blocks.0.{name}" for name in ("W_Q", "W_K", "W_V", "W_O"))}
    more = ModelConfig(**SIZE, d_model=8, d_mlp=12, norm="rms", positions="learned", tied=True, output_projection=False)
    assert set(parameter_shapes(more)) == {"W_E", "W_pos", "ln_final_w", "b_U", *(f"blocks.0.{name}" for name in (
        "ln1_w", "W_Q", "W_K", "W_V", "ln2_w", "W_in", "b_in", "W_out", "b_out"))}
