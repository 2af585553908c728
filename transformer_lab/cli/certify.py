"""``transformer-lab certify RUN``: is a trained model of a rule right on every context that there is?"""

from __future__ import annotations

import time
from pathlib import Path

from ..analysis.certificates.enumerate import enumerate_contexts
from ..analysis.certificates.families import families
from ..analysis.certificates.plane import plane_of
from ..analysis.certificates.prove import prove
from ..analysis.certificates.record import certificate, write_certificate
from ..errors import DataError
from ..tasks.rules import RuleTask
from ..training import one_by_one, read_run
from .found import found_folder, learned
from .show import say
from .targets import placed

HELP = """Proves it, or spells out contexts on which the model is wrong. RUN is a run of a rule; where
many models were trained at once each has its verdict. --to plane-0.json keeps the certificate,
of a model among many --to plane-{seed}.json."""


def add_options(verb) -> None:
    verb.add_argument("run", metavar="RUN", help="name of a run, or the path of its folder")
    verb.add_argument("--enumerate", action="store_true", help="decide every context one by one, the slow way")
    verb.add_argument("--to", metavar="FILE", help="where to keep the certificate")


def certify(options) -> None:
    """The verdict on each model, and what it rests on."""
    run, record = learned(*read_run(found_folder(options.run)))
    if not isinstance(run.task, RuleTask):
        raise DataError(f"{record.path} is no run of a rule, and there is nothing to prove about it yet.")
    models, boxes = one_by_one(record.weights, run.training.seeds), families(run.task)
    if options.to and len(models) > 1 and "{seed}" not in options.to:
        raise DataError(f"--to {options.to} is one file, and there are {len(models)} models. Write {{seed}} in it.")
    if options.to is not None:
        placed(Path(options.to))
    proved = 0
    for seed, params in enumerate(models, run.training.seed):
        name = record.path.name + (f", seed {seed}" if len(models) > 1 else "")
        plane = plane_of(params, run.model, run.task.of.operator)
        if options.enumerate:
            enumerated(name, plane, boxes, run.task.of.spelt)
        elif (proof := verdict(name, plane, boxes, run.task.of.spelt, 10 if len(models) == 1 else 1)).proved:
            proved += 1
            if options.to:
                path = write_certificate(options.to.replace("{seed}", str(seed)),
                                         certificate(run.task, params, proof))
                say(f"certificate: {path}")
    if len(models) > 1 and not options.enumerate:
        say(f"{proved} of {len(models)} models are proved")


def verdict(name, plane, boxes, spelt, most):
    began = time.perf_counter()
    proof = prove(plane, boxes)
    said = "proved right on" if proof.proved else "wrong on some of"
    say(f"{name}: {said} all {proof.contexts:,} contexts; {len(proof.trees):,} families, {proof.boxes:,} boxes, "
        f"smallest margin {proof.margin:.6g}, {time.perf_counter() - began:.2f} s")
    for margin, context in proof.counterexamples[:most]:
        say(f"  wrong by {-margin:.4g} after {spelt(context)}")
    return proof


def enumerated(name, plane, boxes, spelt):
    began = time.perf_counter()
    found = enumerate_contexts(plane, boxes, 10)
    say(f"{name}: {found.contexts:,} contexts, {found.wrong:,} wrong; smallest margin {found.margin:.6g} after "
        f"{spelt(found.worst)}; {time.perf_counter() - began:.2f} s")
