"""What goes on inside while a PyTorch model trains, at some of its steps: gradients, updates, activations, attention.

Of each layer (``blocks.0``, …; what is outside of the blocks is ``ends``) the norm of the gradient, before it is cut,
and of the update as a share of the weights' norm; of activations the root of their mean square and the largest size;
of each head the entropy of its attention in nats, averaged over queries. At other steps nothing is looked at, and
attention may be fused and code compiled.
"""

from __future__ import annotations

from ..checks import check_type, check_whole
from ..errors import installed
from ..names import VOCABULARY
from ..rules import Choice, Each
from ..taps import chained
from .torch_stepper import TorchStepper

__all__ = ["Measured"]

torch = installed("torch", "The PyTorch steppers")

ACTIVATIONS = ("attn_out", "mlp_post", "mlp_out", "resid_post")


class Measured:
    """A stepper that measures at every ``every``-th step, for :func:`~transformer_lab.training.fit.fit`, whose own
    ``every`` should be a multiple. ``activations`` says which are measured, by their names without the layer.

    >>> from transformer_lab import ModelConfig
    >>> from transformer_lab.byhand.transformer import init
    >>> from transformer_lab.models.transformer import Transformer
    >>> config = ModelConfig(d_vocab=5, n_ctx=4, d_model=8, n_heads=2, d_mlp=16, mask="causal")
    >>> stepper = Measured(TorchStepper(Transformer(config, init(config))), 2, ["mlp_out"])
    >>> tokens = torch.tensor([[1, 2, 3, 4]]).numpy()
    >>> found = stepper.step((tokens, tokens), 0.1)
    >>> [name for name in found if "blocks" in name]  # doctest: +NORMALIZE_WHITESPACE
    ['entropy blocks.0', 'rms blocks.0.mlp_out', 'largest blocks.0.mlp_out', 'gradient blocks.0', 'update blocks.0']
    >>> found["entropy blocks.0"].shape, list(stepper.step((tokens, tokens), 0.1))
    ((2,), ['loss'])
    """

    def __init__(self, stepper: TorchStepper, every: int = 20, activations=ACTIVATIONS):
        self.stepper, self.every = check_type("stepper", stepper, TorchStepper), check_whole("every", every, low=1)
        known = [name for name, word in VOCABULARY.items() if word.kind == "activation"]
        self.activations = Each(Choice(known), 0)("activations", activations)
        self.state, self.load_state = stepper.state, stepper.load_state

    def settings(self) -> dict:
        """Those of the stepper; measuring changes no update."""
        return self.stepper.settings()

    def step(self, batch, learning_rate: float) -> dict:
        """The stepper's own step and what it returns; at some steps with what was measured."""
        if self.stepper.t % self.every:
            return self.stepper.step(batch, learning_rate)
        found, usual = {}, self.stepper.tap
        before = {name: value.detach().clone() for name, value in self.stepper.named.items()}
        self.stepper.tap = {"tap": chained(*usual.values(), self._noted(found))}
        try:
            metrics = self.stepper.step(batch, learning_rate)
        finally:
            self.stepper.tap = usual
        shortened = self.stepper.max_norm and max(1.0, metrics["gradient_norm"] / self.stepper.max_norm)
        return metrics | found | self._by_layer(before, shortened or 1.0)

    def _noted(self, found: dict):
        """A tap that notes sizes and entropies."""
        def tap(name, value):
            layer, _, word = name.rpartition(".")
            seen = value.detach() if value.dtype == torch.float64 else value.detach().float()
            if word in self.activations:
                found[f"rms {name}"] = length([seen]) / seen.numel()**0.5
                found[f"largest {name}"] = float(torch.linalg.vector_norm(seen, torch.inf))
            if word == "pattern":
                entropy = torch.special.entr(seen).sum(-1).mean((0, 2))
                found[f"entropy {layer}"] = entropy.cpu().numpy().astype(float)
            return value

        return tap

    def _by_layer(self, before: dict, shortened: float) -> dict:
        """The norm of each layer's gradient and, beside that of its weights, of its update."""
        layers, found = {}, {}
        for name in self.stepper.named:
            layers.setdefault(name.rpartition(".")[0] or "ends", []).append(name)
        for layer, names in layers.items():
            values = [self.stepper.named[name] for name in names]
            moved = [value.detach() - before[name] for name, value in zip(names, values, strict=True)]
            grads = [value.grad for value in values if value.grad is not None]
            found |= {f"gradient {layer}": shortened * length(grads),
                      f"update {layer}": length(moved) / max(length(before[name] for name in names), 1e-30)}
        return found


def length(tensors) -> float:
    """The norm of all numbers in some tensors together."""
    norms = [torch.linalg.vector_norm(each) for each in tensors]
    return float(torch.linalg.vector_norm(torch.stack(norms))) if norms else 0.0
