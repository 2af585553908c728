"""``transformer-lab certify RUN``: is a trained model of a rule right on every context that there is?"""

from __future__ import annotations

import time

from ..analysis.certificates.enumerate import enumerate_contexts
from ..analysis.certificates.families import families
from ..analysis.certificates.plane import plane_of
from ..analysis.certificates.prove import prove
from ..analysis.certificates.record import certificate, write_certificate
from ..errors import DataError
from ..tasks.rules import RuleTask
from ..training import read_run
from .show import say

HELP = """Proves it, or spells out contexts on which the model is wrong. RUN is the folder of a
run of a rule; --to plane-0.json keeps the certificate."""


def add_options(verb) -> None:
    verb.add_argument("run", metavar="RUN", help="the path of a run's folder")
    verb.add_argument("--enumerate", action="store_true", help="decide every context one by one, the slow way")
    verb.add_argument("--to", metavar="FILE", help="where to keep the certificate")


def certify(options) -> None:
    """The verdict, and what it rests on."""
    run, record = read_run(options.run)
    if not isinstance(run.task, RuleTask):
        raise DataError(f"{record.path} is no run of a rule, and there is nothing to prove about it yet.")
    plane, boxes = plane_of(record.weights, run.model, run.task.of.operator), families(run.task)
    spelt = run.task.of.spelt
    began = time.perf_counter()
    if options.enumerate:
        found = enumerate_contexts(plane, boxes, 10)
        say(f"{found.contexts:,} contexts, {found.wrong:,} wrong; smallest margin {found.margin:.6g} after "
              f"{spelt(found.worst)}; {time.perf_counter() - began:.2f} s")
        return
    proof = prove(plane, boxes)
    verdict = "proved right on" if proof.proved else "wrong on some of"
    say(f"{record.path.name}: {verdict} all {proof.contexts:,} contexts; {len(proof.trees):,} families, "
          f"{proof.boxes:,} boxes, smallest margin {proof.margin:.6g}, {time.perf_counter() - began:.2f} s")
    for margin, context in proof.counterexamples[:10]:
        say(f"  wrong by {-margin:.4g} after {spelt(context)}")
    if options.to and proof.proved:
        say(f"certificate: {write_certificate(options.to, certificate(run.task, record.weights, proof))}")
