"""Sixty mistakes, planted one at a time in the source of the transformer by hand: every one must be noticed.

A mistake replaces one piece of one line. The oracles are PyTorch's: the twin's loss, activations and gradients,
`torch.optim`, and `clip_grad_norm_`; they are computed once, from the untouched code.
"""

import importlib
import inspect
import sys
import types

import numpy as np
import pytest
import torch

from transformer_lab import ModelConfig, generator
from transformer_lab.byhand.block import Acts
from transformer_lab.byhand.transformer import init
from transformer_lab.models.transformer import Transformer

SIZE = {"d_vocab": 7, "n_ctx": 6, "d_model": 8, "n_heads": 2, "n_layers": 2, "d_mlp": 12}
CONFIGS = [
    ModelConfig(**SIZE, norm="layer", positions="learned", mask="causal", pad=0),
    ModelConfig(**SIZE, norm="rms", placement="post", positions="sinusoidal", activation="gelu", read_out="last", pad=0,
                tied=True),
    ModelConfig(**SIZE, norm="layer", placement="post", mask="causal", read_out="last", pad=0, residual=False),
    ModelConfig(**SIZE, norm="rms", read_out="mean", pad=0, output_projection=False),
    ModelConfig(**SIZE, read_out="first"),
    ModelConfig(**SIZE, positions="rotary", activation="gelu_exact", bias_attention=True, read_out="last"),
    ModelConfig(**SIZE, norm="layer", activation="silu", bias_mlp=False, bias_unembed=False),
]

BUGS = {  # module: [(the right piece, the wrong one), ...]
    "parts": [
        ("else rows(x) @ W + b[..., None, :]", "else rows(x) @ W"),
        ("d_x = d_rows @ W.swapaxes(-1, -2)", "d_x = -d_rows @ W.swapaxes(-1, -2)"),
        ("d_W = rows(x).swapaxes(-1, -2) @ d_rows", "d_W = rows(x).swapaxes(-1, -2) @ d_rows / len(d_rows)"),
        ("d_W, row_sum(d_y)", "d_W, row_sum(d_y) / d_y.shape[-2]"),
        ("1 / width", "1 / (width - 1)"),
        ("np.sqrt(row_mean(centred * centred) + eps)", "np.sqrt(row_mean(centred * centred) + 100 * eps)"),
        ("centred = x - row_mean(x)", "centred = x"),
        ("x_hat * each_row(w) + each_row(b)", "x_hat * each_row(w)"),
        ("d_w, d_b = row_sum(d_y * x_hat), row_sum(d_y)", "d_w, d_b = row_sum(d_y), row_sum(d_y)"),
        ("(d_x_hat - row_mean(d_x_hat) - x_hat", "(d_x_hat - x_hat"),
        ("d_x = (d_x_hat - row_mean(d_x_hat) - x_hat * row_mean(d_x_hat * x_hat)) * scale",
         "d_x = (d_x_hat - row_mean(d_x_hat)) * scale"),
        ("d_x = (d_x_hat - x_hat * row_mean(d_x_hat * x_hat)) * scale", "d_x = d_x_hat * scale"),
        ("d_x = (d_x_hat - x_hat * row_mean(d_x_hat * x_hat)) * scale",
         "d_x = (d_x_hat - x_hat * row_mean(d_y * x_hat)) * scale"),
        ("linear_pullback.unchecked(acts[\"mlp_post\"]", "linear_pullback.unchecked(acts[\"mlp_pre\"]"),
        ("phi_pullback.unchecked(acts[\"mlp_pre\"], tap", "phi_pullback.unchecked(acts[\"mlp_post\"] - 0.1, tap"),
    ],
    "activations": [
        ("return d_phi * (u > 0)", "return d_phi"),
        ("return d_phi * (u > 0)", "return d_phi * (u < 0)"),
        ("0.5 * u * (1 + np.tanh(ROOT * (u + 0.044715 ", "0.5 * u * (1 + np.tanh(ROOT * (u + 0.0447 "),
        ("slope = ROOT * (1 + 3 * 0.044715 * u**2)", "slope = ROOT * (1 + 0.044715 * u**2)"),
        ("(1 - tanh**2)", "(1 - tanh)"),
    ],
    "attention": [
        ("d_scaled = d_scores * _scale(q, scale)", "d_scaled = d_scores"),
        ("q.shape[-1] ** -0.5", "1 / q.shape[-1]"),
        ("d_q = product(d_scaled, k, like=q)", "d_q = product(d_scaled, v, like=q)"),
        ("d_k = product(d_scaled.swapaxes(-1, -2), q, like=k)", "d_k = d_v"),
        ("d_v = product(pattern.swapaxes(-1, -2), d_z, like=v)", "d_v = product(dot_rows(v, d_z), d_z, like=v)"),
        ("d_rows = d_from_k + d_from_v", "d_rows = d_from_k"),
        ("inputs = {\"x\": d_x + d_rows}", "inputs = {\"x\": d_x}"),
        ("d_flat = d_out.swapaxes(-2, -3)", "d_flat = d_out[..., ::-1, :, :].swapaxes(-2, -3)"),
        ("return z.swapaxes(-2, -3)", "return z[..., ::-1].swapaxes(-2, -3)"),
        ("d_x = d_flat @ W.reshape(*W.shape[:-2], -1).swapaxes(-1, -2)", "d_x = d_flat @ W.reshape(*W.shape[:-2], -1)"),
        ("d_W_O = side_by_side(z).swapaxes(-1, -2) @ d_flat", "d_W_O = side_by_side(z).swapaxes(-1, -2) @ -d_flat"),
    ],
    "softmax": [
        ("return pattern * (d_pattern - (pattern * d_pattern).sum(axis=-1, keepdims=True))", "return d_pattern"),
        ("return pattern * (d_pattern - (pattern * d_pattern).sum(axis=-1, keepdims=True))",
         "return pattern * d_pattern"),
        ("(pattern * d_pattern).sum(axis=-1, keepdims=True)", "d_pattern.mean(axis=-1, keepdims=True)"),
        ("np.full_like(scores, -np.inf)", "np.full_like(scores, -5.0)"),
        ("total = weights.sum(axis=-1,", "total = weights.sum(axis=-2,"),
    ],
    "ends": [
        ("return (p - hit) * share[..., None]", "return p * (p - hit) * share[..., None]"),
        ("weighed.sum(axis=-1, keepdims=True)", "0 * weighed[..., :1] + targets.shape[-1]"),
        ("return (p - hit) * share[..., None]", "return (hit - p) * share[..., None]"),
        ("x = rows(one_hot.unchecked(tokens, W_E", "x = rows(one_hot.unchecked((tokens + 1) % 7, W_E"),
        ("return rows(one_hot.unchecked(tokens, W_E.shape[-2]",
         "return rows(one_hot.unchecked(tokens * 0, W_E.shape[-2]"),
        ("return real.sum(axis=-1) - 1", "return real.shape[-1] - 1 + 0 * real[..., 0]"),
        ("share(real, x.dtype)[..., None, :] @ x", "x.mean(axis=-2, keepdims=True)"),
        ("return share(real, d_mean.dtype)[..., None] * d_mean", "return real[..., None] * d_mean"),
        ("np.zeros(real.shape[:-1], int)", "np.ones(real.shape[:-1], int)"),
        ("{\"W_E\": d_W_U.swapaxes(-1, -2)}", "{\"W_E\": 0 * d_W_U.swapaxes(-1, -2)}"),
        ("d_x[np.arange(at.size), at] = ", "d_x[np.arange(at.size), 0 * at] = "),
    ],
    "transformer": [
        ("start[\"W_E\"] = start[\"W_E\"] + grads[\"W_E\"]", "pass"),
    ],
    "positions": [
        ("return np.tri(n_ctx, dtype=bool)", "return np.tri(n_ctx, k=1, dtype=bool)"),
        ("return np.tri(n_ctx, dtype=bool)", "return np.tri(n_ctx, dtype=bool).T"),
        ("turned[..., ::2] = even * cos - odd * sin", "turned[..., ::2] = even * cos + odd * sin"),
        ("rotate.unchecked(d_turned, -places, base)", "rotate.unchecked(d_turned, places, base)"),
        ("keys if at is None else at[..., None, None]", "keys if at is None else at[..., None, None] - 1"),
    ],
    "block": [
        ("x = x + acts[\"pos_embed\"]", "x = 2 * x + acts[\"pos_embed\"]"),
        ("d_pos.sum(axis=-3)", "d_pos.mean(axis=-3)"),
        ("return stream + out if config.residual else out", "return stream + out"),
        ("return stream + out if config.residual else out", "return out"),
        ("pair[1].unchecked(acts.saved[ln], params[names[0]], ",
         "pair[1].unchecked(acts.saved[ln], 1 + 0 * d_y[0, 0], "),
        ("= d_source + pick_pullback", "= pick_pullback"),
        ("pick_pullback.unchecked(at, d_total, n_pos)", "0 * pick_pullback.unchecked(at, d_total, n_pos)"),
    ],
    "optimizers": [
        ("v += (1 - self.beta2) * (g * g)", "v += (1 - self.beta2) * g"),
        ("(1 - self.beta2**self.t) ** 0.5", "1"),
        ("(learning_rate * root / (1 - self.beta1**self.t))", "(learning_rate * root)"),
        ("self.eps * root", "self.eps"),
        ("theta *= 1 - learning_rate * self.weight_decay", "theta *= 1 - self.weight_decay"),
        ("np.einsum(\"...i,...i->...\", g, g)", "(g * g).sum()"),
        ("g *= np.where(longer, max_norm / np.maximum(norm, max_norm), 1)[..., None]", "g *= max_norm / norm.max()"),
    ],
}
CASES = [(module, right, wrong) for module, pairs in BUGS.items() for right, wrong in pairs]


def example(config):
    rng = generator(3, "example")
    params = {name: value + 0.3 * rng.normal(size=value.shape)
              for name, value in init(config, dtype=np.float64).items()}
    tokens, targets = rng.integers(1, 7, size=(4, 6)), rng.integers(7, size=(4, 6))
    if config.pad is not None:
        tokens[0, 3:], tokens[1, 5:] = 0, 0
    targets[2, 1:] = -100
    return params, tokens, targets if config.read_out == "all" else targets[:, 1]


def twin_says(config):
    params, tokens, targets = example(config)
    model, acts = Transformer(config, params), {}
    loss = torch.nn.functional.cross_entropy(
        model(torch.tensor(tokens), lambda name, value: acts.setdefault(name, value)).flatten(end_dim=-2),
        torch.tensor(targets).flatten())
    loss.backward()
    return ({"loss": loss.detach().numpy()} | {name: value.detach().numpy() for name, value in acts.items()},
            {name: value.grad.numpy() for name, value in model.named_parameters()})


def torch_updates(clip):
    theta = torch.tensor(np.linspace(-1, 1, 12).reshape(3, 4), requires_grad=True)
    rows = [row.detach().clone().requires_grad_() for row in theta]
    optimizer = torch.optim.AdamW(rows, lr=0.05, eps=1e-2, weight_decay=0.1)
    for step in range(4):
        for row, g in zip(rows, gradient(step), strict=True):
            row.grad = torch.tensor(g)
            if clip:
                torch.nn.utils.clip_grad_norm_([row], 1.0)
        optimizer.step()
    return torch.stack(rows).detach().numpy()


def gradient(step):
    return generator(step, "gradient").normal(size=(3, 4)) * np.array([[0.1], [1], [5]])


TWIN = [twin_says(config) for config in CONFIGS]
UPDATED = {clip: torch_updates(clip) for clip in (False, True)}


def relative(ours, theirs):
    return np.abs(ours.reshape(theirs.shape) - theirs).max() / max(np.abs(theirs).max(), 1e-12)


def largest_error():
    """The largest relative deviation from the oracles that the code as it stands now shows."""
    from transformer_lab.byhand import optimizers, transformer

    errors = []
    for config, (values, grads) in zip(CONFIGS, TWIN, strict=True):
        params, tokens, targets = example(config)
        acts = transformer.forward(params, tokens, config)
        found = acts | {"loss": np.asarray(transformer.loss(acts["logits"], targets, config))}
        errors += [relative(found[name], value) for name, value in values.items()]
        for trimmed in (False, True):
            ours = (transformer.loss_and_gradients(params, tokens, targets, config)[1] if trimmed else
                    transformer.backward(params, acts, targets, config))
            errors += [relative(ours[name], grad) for name, grad in grads.items()]
    for clipped, theirs in UPDATED.items():
        theta = np.linspace(-1, 1, 12).reshape(3, 4)
        optimizer = optimizers.AdamW(eps=1e-2, weight_decay=0.1)
        for step in range(4):
            g = gradient(step)
            if clipped:
                optimizers.clip(g, 1.0)
            optimizer.update(theta, g, 0.05)
        errors.append(relative(theta, theirs) / (1e4 if clipped else 1))  # PyTorch adds 1e-6 to the norm it clips by
    return np.max(errors)  # NaN if one of them is


def plant(monkeypatch, module_name, right, wrong):
    """Run the module's source with the mistake in it, and hand its functions to everyone who uses the right ones."""
    module = importlib.import_module(f"transformer_lab.byhand.{module_name}")
    source = inspect.getsource(module)
    assert source.count(right) >= 1, f"the source has changed: {right!r} is no longer in it"
    changed = types.ModuleType(module.__name__)
    changed.__dict__.update({name: module.__dict__[name] for name in ("__package__", "__file__", "__spec__")})
    exec(compile(source.replace(right, wrong), module.__file__, "exec"), changed.__dict__)
    for name, old in list(vars(module).items()):
        if old is Acts:  # signatures hold calls to this very class
            continue
        if getattr(old, "__module__", None) == module.__name__ or name.isupper():
            for user in [value for key, value in sys.modules.items() if key.startswith("transformer_lab.byhand")]:
                for key, value in list(vars(user).items()):
                    if value is old:
                        monkeypatch.setattr(user, key, vars(changed)[name])


def test_there_are_sixty_and_no_false_alarm():
    assert len(CASES) >= 60 and len(set(CASES)) == len(CASES)
    assert largest_error() < 1e-10


@pytest.mark.parametrize(("module", "right", "wrong"), CASES, ids=lambda text: text[:40])
def test_a_planted_mistake_is_noticed(module, right, wrong, monkeypatch):
    plant(monkeypatch, module, right, wrong)
    with np.errstate(all="ignore"):
        error = largest_error()  # it must run: a mistake that breaks the code needs no test to be noticed
    assert not error < 1e-6, f"{error:.1e}"
