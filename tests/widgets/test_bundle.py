"""The way from JavaScript files to what pages and JupyterLab load."""

import json
import re

import pytest

import transformer_lab.widgets
from transformer_lab.errors import DataError, DtypeError, LabError, MissingExtraError, UnknownNameError
from transformer_lab.widgets import bundle as bundler
from transformer_lab.widgets.bundle import bundle, files, names, node, poster, static_html
from transformer_lab.widgets.join import join


@pytest.mark.parametrize("name", names())
def test_a_bundle_is_one_module_that_runs_and_imports_nothing(name):
    source = bundle(name)
    assert not re.search(r"^(import|export (?!default))", source, re.M)
    assert node(source + "\nprocess.stdout.write(typeof $widgets$js$core$ui_js.explorable);") == "function"


def test_two_files_may_use_one_name_and_imports_may_be_renamed(tmp_path):
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "a.js").write_text("const same = 1;\nexport const one = () => same;\n"
                                            "export function two() { return 2; }\n")
    (tmp_path / "core" / "b.js").write_text('export { two } from "./a.js";\nimport numbers from "./n.json" with '
                                            '{ type: "json" };\nconst same = numbers[0];\nexport const b = same;\n')
    (tmp_path / "core" / "n.json").write_text("[40, 41]")
    (tmp_path / "x.js").write_text('import { one as uno } from "./core/a.js";\nimport {\n  b,\n  two,\n} from '
                                   '"./core/b.js";\n'
                                   "export const sum = uno() + two() + b;\nexport default { sum };\n")
    source = join(tmp_path / "x.js", tmp_path).replace("export default ", "const made = ")
    assert node(source + "process.stdout.write(String(made.sum));") == "43"


def test_an_import_of_what_is_not_exported_is_a_sentence_not_an_undefined(tmp_path):
    (tmp_path / "a.js").write_text("export const one = 1, two = 2;\n")
    (tmp_path / "x.js").write_text('import { one, two } from "./a.js";\nexport default { two };\n')
    with pytest.raises(DataError, match="does not export two"):
        join(tmp_path / "x.js", tmp_path)


def test_the_page_gets_a_host_a_style_sheet_and_a_script_for_each_explorable():
    written = files()
    assert {"host.js", "labs.css"} | {f"{name}.js" for name in names()} <= set(written)
    for name in names():
        run = 'globalThis.transformerLab = { modules: {} };\n' + written[f"{name}.js"]
        assert node(f'{run}process.stdout.write(typeof transformerLab.modules["{name}"].render);') == "function"


def test_the_page_and_the_host_wait_with_the_same_explorables():
    sizes = {name: json.loads(node(f"import lab from '{bundler.JS.as_uri()}/{name}.js'; "
                                   "process.stdout.write(JSON.stringify(lab.data ?? null));")) for name in names()}
    heavy = {name for name, data in sizes.items()
             if data and (bundler.JS / "data" / f"{data}.bin").stat().st_size > bundler.MUCH}
    assert {name for name in names() if bundler.waits(name)} == heavy >= {"ask-model", "plane-model"}
    assert f'"much": {bundler.MUCH}' in files()["host.js"]


def test_no_script_of_the_page_needs_what_a_content_security_policy_forbids():
    forbidden = r"\bimport\s*\(|new Blob|createObjectURL|\beval\(|new Function|innerHTML|insertAdjacentHTML"
    assert [name for name, text in files().items() if re.search(forbidden, text)] == []


def test_the_style_sheet_knows_no_colour_of_its_own():
    assert not re.search(r"#[0-9a-fA-F]{3,8}\b(?<!#0000)|rgb|hsl", files()["labs.css"])


def test_the_state_is_written_the_same_whatever_its_order_and_cannot_break_out():
    one, other = {"id": 'a"><script>', "right": 1}, {"right": 1, "id": 'a"><script>'}
    assert static_html("choice", one) == static_html("choice", other)
    assert "<script>" not in static_html("choice", one)


@pytest.mark.parametrize("state, error", [
    ({"x": float("nan")}, DtypeError), ({"x": object()}, DtypeError), (3, DtypeError), ({"answers": 3}, DataError),
])
def test_a_state_that_cannot_be_drawn_is_refused_in_a_sentence(state, error):
    with pytest.raises(error):
        static_html("choice", state)


def test_an_unknown_explorable_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'gradient-graph'"):
        poster("gradient-grap", {})


def test_without_node_a_widget_is_shown_without_its_still_picture(monkeypatch):
    def missing(*_):
        raise MissingExtraError("Node is needed.")
    monkeypatch.setattr(bundler, "node", missing)
    shown = transformer_lab.widgets.Choice()._repr_mimebundle_()[0]
    assert shown["text/html"] == "<p>Choice(): Node is needed.</p>"


def test_a_class_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="Nothing"):
        _ = transformer_lab.widgets.Nothing


@pytest.mark.parametrize("trait, value", [
    ("step", 13), ("step", -1), ("example", 6), ("weights", "traind"), ("mistake", "uphil"),
])
def test_a_trait_out_of_range_gets_the_packages_own_error_and_changes_nothing(trait, value):
    graph = transformer_lab.widgets.GradientGraph()
    before = graph.state()
    with pytest.raises(LabError, match=trait):
        setattr(graph, trait, value)
    assert graph.state() == before
