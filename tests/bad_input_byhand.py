"""The transformer by hand in the table of bad_input_calls.py."""

from __future__ import annotations

import numpy as np

from transformer_lab import ModelConfig
from transformer_lab.byhand import attention, ends, parts, transformer
from transformer_lab.names import parameter_shapes

CONFIG = ModelConfig(d_vocab=5, n_ctx=3, d_model=4, n_heads=2, d_mlp=6, norm="layer", mask="causal",
                     positions="learned")
PARAMS = transformer.init(CONFIG, dtype=np.float64)
TOKENS, TARGETS = np.array([[1, 2, 3], [0, 1, 4]]), np.array([[1, 2, -100], [0, 1, 4]])
ACTS = transformer.forward(PARAMS, TOKENS, CONFIG)
X, GAIN, AT = np.random.default_rng(0).normal(size=(2, 3, 4)), np.ones(4), np.array([0, 2])
W, U = np.ones((4, 6)), np.ones((2, 3, 6))
HEADS = {name.removeprefix("blocks.0."): value for name, value in PARAMS.items()}
HEADED = attention.multi_head(HEADS, X)
SHAPES = parameter_shapes(CONFIG)


def tap(name, value):
    return value


PART = "a part of transformer.forward or pullback, which check what comes in once"
EXEMPT = {f"byhand.{name}": PART for name in (
    "block.block", "block.block_pullback", "block.embedded", "block.embedded_pullback", "block.read_out",
    "block.read_out_pullback", "block.prefixed", "ends.is_real", "ends.unembed", "ends.unembed_pullback",
    "positions.turning", "softmax.visible")}
EXEMPT |= {f"byhand.{name}": "is itself the check" for name in (
    "weights.check_params", "explained.explained", "explained.flags")}
EXEMPT["byhand.memory.keep_freed_memory"] = "takes no argument"

CALLS = {
    "names.parameter_shapes": lambda: {"config": CONFIG},
    "byhand.softmax.softmax": lambda: {"scores": X, "mask": X > 0},
    "byhand.softmax.softmax_pullback": lambda: {"pattern": X, "d_pattern": X},
    "byhand.attention.attend": lambda: {"q": X, "k": X, "v": X, "mask": np.ones((3, 3), bool), "scale": 0.5,
                                        "tap": tap},
    "byhand.attention.attend_pullback": lambda: {"acts": attention.attend(X, X, X), "d_z": X, "scale": 0.5, "tap": tap},
    "byhand.softmax.causal_mask": lambda: {"n_ctx": 3},
    "byhand.softmax.padding_mask": lambda: {"real": TOKENS > 0},
    "byhand.attention.multi_head": lambda: {"params": HEADS, "x": X, "mask": np.ones((3, 3), bool), "source": X,
                                            "scale": 0.5, "tap": tap},
    "byhand.attention.multi_head_pullback": lambda: {"params": HEADS, "acts": HEADED, "d_attn_out": X, "scale": 0.5,
                                                     "tap": tap},
    "byhand.attention.project": lambda: {"x": X, "W": HEADS["W_Q"]},
    "byhand.attention.project_pullback": lambda: {"x": X, "W": HEADS["W_Q"], "d_out": HEADED["q"]},
    "byhand.attention.merge": lambda: {"z": HEADED["z"], "W_O": HEADS["W_O"]},
    "byhand.attention.merge_pullback": lambda: {"z": HEADED["z"], "W_O": HEADS["W_O"], "d_out": X},
    "byhand.ends.cross_entropy": lambda: {"logits": X[0], "targets": TOKENS[0]},
    "byhand.ends.cross_entropy_pullback": lambda: {"saved": ends.cross_entropy(X[0], TOKENS[0])[1]},
    "byhand.parts.dropout_masks": lambda: {"rate": 0.5, "seeds": [1, 2], "step": 3},
    "byhand.ends.embed": lambda: {"tokens": TOKENS, "W_E": PARAMS["W_E"]},
    "byhand.ends.embed_pullback": lambda: {"tokens": TOKENS, "W_E": PARAMS["W_E"], "d_x": X},
    "byhand.ends.one_hot": lambda: {"tokens": TOKENS, "d_vocab": 5, "dtype": np.float32},
    "byhand.positions.sinusoids": lambda: {"n_ctx": 3, "d_model": 4, "dtype": np.float32},
    "byhand.parts.relu": lambda: {"u": X},
    "byhand.parts.relu_pullback": lambda: {"u": X, "d_phi": X},
    "byhand.parts.gelu": lambda: {"u": X},
    "byhand.parts.gelu_pullback": lambda: {"u": X, "d_phi": X},
    "byhand.parts.gelu_exact": lambda: {"u": X},
    "byhand.parts.gelu_exact_pullback": lambda: {"u": X, "d_phi": X},
    "byhand.parts.silu": lambda: {"u": X},
    "byhand.parts.silu_pullback": lambda: {"u": X, "d_phi": X},
    "byhand.positions.rotate": lambda: {"x": X, "places": np.arange(3), "base": 100.0},
    "byhand.positions.rotate_pullback": lambda: {"d_turned": X, "places": np.arange(3), "base": 100.0},
    "byhand.parts.feed_forward": lambda: {"params": HEADS, "x": X, "activation": "relu", "tap": tap},
    "byhand.parts.feed_forward_pullback": lambda: {"params": HEADS, "acts": ACTS.blocks[0].saved["mlp"],
                                                   "d_mlp_out": X, "activation": "relu", "tap": tap},
    "byhand.parts.linear": lambda: {"x": X, "W": W, "b": np.ones(6)},
    "byhand.parts.linear_pullback": lambda: {"x": X, "W": W, "d_y": U},
    "byhand.parts.row_mean": lambda: {"x": X},
    "byhand.parts.row_sum": lambda: {"x": X},
    "byhand.parts.layer_norm": lambda: {"x": X, "w": GAIN, "b": GAIN, "eps": 1e-5},
    "byhand.parts.layer_norm_pullback": lambda: {"saved": parts.layer_norm(X, GAIN, GAIN)[1], "w": GAIN, "d_y": X},
    "byhand.parts.rms_norm": lambda: {"x": X, "w": GAIN, "eps": 1e-5},
    "byhand.parts.rms_norm_pullback": lambda: {"saved": parts.rms_norm(X, GAIN)[1], "w": GAIN, "d_y": X},
    "byhand.optimizers.clip": lambda: {"g": np.ones((2, 3)), "max_norm": 1.0},
    "byhand.optimizers.make_optimizer": lambda: {"name": "adamw", "theta": np.ones(3), "beta1": 0.9, "beta2": 0.99,
                                                 "eps": 1e-8, "weight_decay": 0.1},
    "byhand.schedules.warmup_linear": lambda: {"peak": 0.1, "steps": 10, "warmup": 2, "floor": 0.1},
    "byhand.schedules.warmup_cosine": lambda: {"peak": 0.1, "steps": 10, "warmup": 2, "floor": 0.1},
    "byhand.ends.pick": lambda: {"x": X, "at": AT},
    "byhand.ends.pick_pullback": lambda: {"at": AT, "d_row": X[:, :1], "n_pos": 3},
    "byhand.ends.mean_of": lambda: {"x": X, "real": TOKENS > 0},
    "byhand.ends.mean_of_pullback": lambda: {"real": TOKENS > 0, "d_mean": X[:, :1]},
    "byhand.transformer.forward": lambda: {"params": PARAMS, "tokens": TOKENS, "config": CONFIG, "tap": tap,
                                           "trim": True, "masks": lambda place, x: x},
    "byhand.transformer.pullback": lambda: {"params": PARAMS, "acts": ACTS, "d_logits": ACTS["logits"],
                                            "config": CONFIG, "tap": tap},
    "byhand.transformer.backward": lambda: {"params": PARAMS, "acts": ACTS, "targets": TARGETS, "config": CONFIG,
                                            "tap": tap},
    "byhand.transformer.loss": lambda: {"logits": ACTS["logits"], "targets": TARGETS, "config": CONFIG},
    "byhand.transformer.loss_and_gradients": lambda: {"params": PARAMS, "tokens": TOKENS, "targets": TARGETS,
                                                      "config": CONFIG, "masks": lambda place, x: x},
    "byhand.weights.init": lambda: {"config": CONFIG, "n_seeds": 2, "seed": 0, "scheme": "xavier",
                                    "embedding_scale": 0.1, "dtype": np.float32},
    "byhand.weights.layer_of": lambda: {"params": PARAMS, "layer": 0},
    "byhand.weights.pack": lambda: {"arrays": PARAMS, "shapes": SHAPES, "out": None},
    "byhand.weights.unpack": lambda: {"vector": np.zeros(sum(map(np.prod, SHAPES.values()))), "shapes": SHAPES},
}
