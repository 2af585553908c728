"""The commands as a reader meets them: what they print, their exit codes, and no traceback for a mistake."""

import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import numpy as np
import pytest

import transformer_lab
from transformer_lab import cli
from transformer_lab.analysis.digit_model import DigitModel, load
from transformer_lab.byhand.transformer import forward
from transformer_lab.cli import commands, main, narrate
from transformer_lab.cli.show import shade
from transformer_lab.tasks.digit_data import Digits
from transformer_lab.tasks.expressions import tokenize
from transformer_lab.training import read_record, write_record
from transformer_lab.training.progress import Bar

QUICK = ["--operations", "Max", "Min", "--high", "3", "--steps", "60", "--batch", "16"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with one small finished run."""
    folder = tmp_path_factory.mktemp("place")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TRANSFORMER_LAB_HOME", str(folder))
        assert main(["train", "digits", *QUICK, "--to", str(folder / "runs" / "digits-0")]) == 0
    return folder


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """Runs go to a folder of the test, and the book ships nothing there."""
    monkeypatch.setenv("TRANSFORMER_LAB_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def inside(place, alone, monkeypatch):
    monkeypatch.setenv("TRANSFORMER_LAB_HOME", str(place))
    monkeypatch.chdir(place)
    return place


def run(*arguments, folder, **settings):
    """The command in a process of its own."""
    return subprocess.run([sys.executable, "-m", "transformer_lab", *arguments], cwd=folder, capture_output=True,
                          text=True, timeout=120, **settings)


def test_a_run_is_kept_and_the_same_command_does_not_train_again(inside, capsys):
    before = (inside / "runs" / "digits-0" / "manifest.json").read_bytes()
    assert main(["train", "digits", *QUICK, "--to", "runs/digits-0"]) == 0
    said = capsys.readouterr().out
    assert "is there already" in said and "after 60 steps" in said and "transformer-lab ask runs/digits-0" in said
    assert (inside / "runs" / "digits-0" / "manifest.json").read_bytes() == before


def test_ask_shows_the_five_likeliest_answers_with_their_probabilities(inside, capsys):
    assert main(["ask", "digits-0", "max(3,1,2)"]) == 0
    said = capsys.readouterr().out.splitlines()
    model = load("runs/digits-0")[0]
    ranked = model.top(("Max", (3, 1, 2)))
    assert said[0].startswith(f"Max ( 3 , 1 , 2 )  =  {ranked[0].text}   (") and len(said) == 6
    assert re.search(r"\((right|wrong: it is 3); (never seen|seen) in training\)$", said[0])
    for line, entry in zip(said[1:], ranked, strict=True):
        text, share = re.match(r" +(\S+) +[<>]? ?([\d.]+) %", line).groups()
        assert text == entry.text and abs(float(share) - 100 * entry.probability) <= 0.011


def test_ask_shows_where_every_head_looks(inside, capsys):
    assert main(["ask", "digits-0", "max(3,1,2)", "--look"]) == 0
    said = capsys.readouterr().out.splitlines()[6:]
    model = load("runs/digits-0")[0]
    acts = forward(model.params, np.array([tokenize(("Max", (3, 1, 2)))]), model.run.model)
    for layer in range(2):
        for head in range(4):
            line = next(line for line in said if line.startswith(f"  layer {layer}, head {head}: "))
            cells = line.partition(": ")[2].ljust(19)
            shown = [cells[i] for i in (0, 4, 6, 8, 10, 12, 14, 16)]  # Max is three letters wide
            assert shown == list(shade(acts[f"blocks.{layer}.pattern"][0, head, -1]))


def test_overfitting_is_noticed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "digits", "--held-out", "0.97", "--steps", "800"]) == 0
    assert "Overfitting since step" in capsys.readouterr().out


def test_a_wrong_answer_is_said_to_be_wrong(inside, capsys, monkeypatch):
    truth = DigitModel.top
    monkeypatch.setattr(DigitModel, "top", lambda self, x: [entry._replace(text="9") for entry in truth(self, x)])
    assert main(["ask", "digits-0", "Min(3,1,2)"]) == 0
    assert "=  9   (wrong: it is 1;" in capsys.readouterr().out


def test_asking_again_and_again_survives_mistakes_and_ends_at_an_empty_line(inside):
    done = run("ask", "digits-0", folder=inside, input="Max(1,2,3)\nMax(1,2\nMin(0,1,9)\nquit\nMax(3,3,3)\n")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.count("Max ( 1 , 2 , 3 )  =") == 1 and "',' or ')'" in done.stdout
    assert "from 0 to 3" in done.stdout and "Max ( 3 , 3 , 3 )" not in done.stdout


def test_evaluate_counts_what_the_model_says(inside, capsys):
    assert main(["evaluate", "digits-0"]) == 0
    said = capsys.readouterr().out
    model = load("runs/digits-0")[0]
    for part, expressions in (("held out", model.run.task.parts.held_out), ("trained on", model.run.task.parts.train)):
        right = model.right(expressions)
        assert re.search(rf"{part} +{right.sum()} +{right.size} ", said)
    assert all(words in said for words in ("inputs in both parts: 0", "  Max  ", "  Min  ", "any answer 25.0 %"))
    ties = [len(set(arguments)) < 3 for _, arguments in model.run.task.parts.held_out]
    hits = model.right(model.run.task.parts.held_out)[ties]
    assert f"equal numbers: {hits.sum()} of {sum(ties)} right" in said
    wrong = model.run.task.parts.held_out
    assert ("no wrong answer" in said) == bool(model.right(wrong).all())


def test_runs_lists_sound_and_damaged_ones(inside, capsys, tmp_path):
    assert main(["runs"]) == 0
    assert re.search(r"^digits-0 +60 .*Max, Min of 3 numbers from 0 to 3$", capsys.readouterr().out, re.M)
    shutil.copytree(inside / "runs" / "digits-0", tmp_path / "bad")
    (tmp_path / "bad" / "config.json").write_text("{}")
    assert main(["runs", str(tmp_path)]) == 0
    assert re.search(r"/bad .*damaged", capsys.readouterr().out, re.M)


def test_two_runs_of_one_name_are_told_apart_wherever_one_stands(inside, capsys, monkeypatch, tmp_path):
    shutil.copytree(inside / "runs", tmp_path / "runs")
    shutil.copytree(inside / "runs", tmp_path / "data" / "digits")
    monkeypatch.setenv("TRANSFORMER_LAB_HOME", str(tmp_path))
    for folder, named in ((tmp_path, "data/digits/digits-0"), (inside, str(tmp_path / "data" / "digits" / "digits-0"))):
        monkeypatch.chdir(folder)
        assert main(["runs"]) == 0
        first, other = re.findall(r"^(\S+) +60 ", capsys.readouterr().out, re.M)
        assert first == "digits-0" and os.path.samefile(other, named)


def test_a_run_that_met_nan_fails_again_and_says_so_when_asked(capsys):
    wild = ["train", "digits", *QUICK, "--learning-rate", "1e30", "--to", "div"]
    for _ in range(2):
        assert main(wild) == 1 and "The run stopped at step" in capsys.readouterr().err
    assert main(["ask", "div", "Max(1,2,3)"]) == main(["evaluate", "div"]) == 1
    assert capsys.readouterr().err.count("div never learned, and has no answers. The run stopped at step") == 2
    assert main(["runs", "."]) == 0 and re.search("^div .*The run stopped", capsys.readouterr().out, re.M)


def test_a_folder_that_nobody_may_read_is_a_line_and_no_end(inside, capsys, monkeypatch):
    seen = Path.exists

    def denied(path):
        if path.parent.name == "locked":
            raise PermissionError(13, "Permission denied")
        return seen(path)

    (inside / "runs" / "locked").mkdir()
    monkeypatch.setattr(Path, "exists", denied)
    assert main(["runs"]) == 0
    said = capsys.readouterr().out
    assert re.search("^digits-0 +60", said, re.M) and re.search("^locked .*cannot be read", said, re.M)
    (inside / "runs" / "locked").rmdir()


def test_a_target_that_cannot_be_is_refused_before_the_training(tmp_path, capsys, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("transformer_lab.training.runs.fit", None)
    for folder in ("file/run", "n" * 300, "/proc/run"):
        assert main(["train", "digits", *QUICK, "--to", folder]) == 1
        assert re.search("cannot be (written|read)", capsys.readouterr().err), folder
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent as a signal")
def test_ctrl_c_keeps_the_step_and_the_same_command_goes_on_bit_for_bit(tmp_path, inside):
    slow = ["train", "digits", *QUICK[:-4], "--steps", "3000"]
    for name in ("whole", "stopped"):
        begun = subprocess.Popen([sys.executable, "-m", "transformer_lab", *slow, "--to", tmp_path / name],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if name == "stopped":
            while not (tmp_path / "stopped.training").exists():
                time.sleep(0.01)
            time.sleep(0.7)
            begun.send_signal(signal.SIGINT)
        said = begun.communicate(timeout=120)[1]
    assert begun.returncode == 130 and re.search(r"stopped is kept as it is at step [\d,]+\. The same", said)
    assert main([*slow, "--to", str(tmp_path / "stopped")]) == 0
    one, other = (json.loads((tmp_path / name / "manifest.json").read_text()) for name in ("whole", "stopped"))
    assert one["content"] == other["content"] and not (tmp_path / "stopped.training").exists()


def test_operations_may_be_joined_by_commas():
    joined, apart = (commands.configured(cli.parser().parse_args(["train", "digits", "--operations", *words]))
                     for words in (["Max,Min"], ["Max", "Min"]))
    assert joined == apart and joined.task.operations == ("Max", "Min")


def test_runs_tells_a_newcomer_what_to_do(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["runs"]) == 0 and "transformer-lab train digits" in capsys.readouterr().out
    assert main(["ask", "digits-0", "Max(1,2,3)"]) == 1
    assert "none at all yet. Make one: transformer-lab train digits" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["train", "digit"], "Did you mean 'digits'"), (["train", "digits", "--operations", "Mux"], "Did you mean 'Max'"),
    (["train", "digits", "--seed", "-1"], "seed: got -1"),
    (["train", "digits", "--held-out", "1.5"], "got 1.5"),
    (["train", "digits", "--low", "5", "--high", "2"], "high: got 2"),
    (["train", "digits", "--high", "999"], "Say how many"),
    (["train", "digits", *QUICK[:-2], "--to", "runs/digits-0"], "batch is 16, not 64"),
    (["ask", "digit-0", "Max(1,2,3)"], "There are: digits-0"), (["ask", "digits-0", "Max(1,2)"], "equal to 3"),
    (["ask", "digits-0", "Max(1,2,9)"], "from 0 to 3"), (["ask", "digits-0", "Add(1,2,3)"], "one of 'Max', 'Min'"),
    (["ask", "digits-0", ""], "an operation"), (["ask", "runs", "Max(1,2,3)"], "no such file"),
    (["train", "digits", *QUICK, "--to", ""], "--to '' is no folder"),
    (["train", "digits", *QUICK, "--to", "."], "--to '.' is no folder"),
    (["train", "digits", *QUICK, "--learning-rate", "0.1", "--to", "runs/digits-0"], "learning_rate is 0.003, not 0.1"),
    (["train", "digits", *QUICK, "--narrate", "--to", "runs/digits-0"], "every is 100, not 3"),
    (["train", "digits", *QUICK, "--seeds", "2", "--narrate"], "--narrate tells the training of one model"),
    (["train", "rule", "lucky7", "--narrate"], "--narrate tells the training of one model"),
    *((["train", "digits", f"--{name}", "1000000"], f"{name.replace('-', '_')}: got 1000000")
      for name in ("n-layers", "n-heads", "d-model", "d-head", "d-mlp", "batch")),
    (["train", "digits", "--d-mlp", "65536", "--n-layers", "3"], "25,415,764 weights; allowed is at most 20,000,000"),
    (["train", "digits", "--batch", "65536"], "numbers in a step; allowed is at most 536,870,912"),
    (["evaluate", "nothing"], "There are: digits-0")])
def test_a_mistake_gets_one_sentence_and_exit_code_1(inside, capsys, arguments, sentence):
    assert main(arguments) == 1
    out, err = capsys.readouterr()
    assert sentence in err and err.startswith("transformer-lab: ") and "Traceback" not in err
    assert "is there already" in out or not out


@pytest.mark.parametrize("arguments", [[], ["trian"], ["ask"], ["train", "digits", "--seed", "x"], ["runs", "--fast"]])
def test_a_command_line_that_is_not_understood_has_exit_code_2(tmp_path, arguments):
    done = run(*arguments, folder=tmp_path)
    assert done.returncode == 2 and "usage: transformer-lab" in done.stderr and "Traceback" not in done.stderr


def test_help_names_every_command_and_every_recipe(capsys):
    for arguments, words in ((["--help"], ["train", "ask", "evaluate", "runs", "Max(5,8,3)"]),
                             (["train", "--help"], [*commands.RECIPES, "--narrate", "default runs/TASK-SEED"])):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        said = capsys.readouterr().out
        assert stopped.value.code == 0 and all(word in said for word in words)
        assert max(map(len, said.splitlines())) <= 120


def test_ctrl_c_ends_with_a_sentence_and_a_closed_pipe_with_nothing(inside, capsys, monkeypatch):
    def interrupted(options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(commands, "runs", interrupted)
        assert cli.main(["runs"]) == 130 and "stopped." in capsys.readouterr().err
    done = subprocess.run(f"{sys.executable} -m transformer_lab evaluate digits-0 | true", shell=True, cwd=inside,
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stderr == ""


def ran(command: str, folder, **environment) -> tuple[int, str, str]:
    command = command.replace("LAB", f"{sys.executable} -m transformer_lab")
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=os.environ | environment, capture_output=True,
                          timeout=120)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


ASKED = "LAB ask digits-0 'Max(1, 2, 3)'"
STREAMS = {  # command, environment, exit code, what stands in the output or on stderr
    "full output of help": ("LAB --help >/dev/full", {}, 1, "the output: No space left on device."),
    "full output of a command's help": ("LAB train --help >/dev/full", {}, 1, "the output: No space left on device."),
    "full output of the version": ("LAB --version >/dev/full", {}, 1, "the output: No space left on device."),
    "input that is not UTF-8": ("printf 'Max(1,\\xff,3)\\nMax(1,2,3)\\n' | LAB ask digits-0",
                                {"PYTHONIOENCODING": "utf-8:strict"}, 0, "Max ( 1 , 2 , 3 )  ="),
    "full output": (f"{ASKED} >/dev/full", {}, 1, "the output: No space left on device."),
    "everything full": (f"{ASKED} >/dev/full 2>/dev/full", {}, 1, ""),
    "everything full, by lines": (f"{ASKED} >/dev/full 2>/dev/full", {"PYTHONUNBUFFERED": ""}, 1, ""),
    "closed output": (f"{ASKED} >&-", {}, 0, ""),
    "everything closed": (f"{ASKED} <&- >&- 2>&-", {}, 0, ""),
    "closed input": ("LAB ask digits-0 <&-", {}, 0, "digits-0 knows"),
    "Windows' letters": (ASKED, {"PYTHONIOENCODING": "cp1252"}, 0, "%  ####"),
    "seven bits": (ASKED + " --look", {"PYTHONIOENCODING": "ascii"}, 0, "####"),
    "a deleted folder": (f"mkdir gone; cd gone; rmdir ../gone; {ASKED}", {}, 1, "Go to another one: cd ~"),
    "bytes that are no text": ("LAB ask digits-0 $'Max(\\xff)'", {}, 1, "allowed is"),
    "a name that commands": ("LAB ask $'a\\e[2Jb' 'Max(1, 2, 3)'", {}, 1, r"'a\x1b[2Jb'"),
    "too large a batch": ("ulimit -v 1200000; LAB train digits --batch 16384 --to big", {}, 1, "more memory than"),
}


@pytest.mark.parametrize("case", STREAMS)
def test_no_stream_folder_or_name_ends_in_a_traceback(case, inside):
    command, environment, code, words = STREAMS[case]
    found, out, err = ran(command, inside, **environment)
    assert (found, words in out + err, "Traceback" in err, "\x1b" in out + err) == (code, True, False, False), err


def test_a_suggested_command_is_quoted_and_works(inside):
    code, out, _ = ran("LAB train digits --steps 2 --to 'a b;c'", inside)
    assert code == 0 and "ask 'a b;c'" in out
    assert ran(out.splitlines()[-1].strip().replace("transformer-lab", "LAB"), inside)[0] == 0


@pytest.mark.parametrize("after", [0.08, 0.15, 0.25])
def test_ctrl_c_while_it_loads_is_a_sentence(after, inside):
    script = "import transformer_lab.__main__ as lab, os, sys; os.write(1, b'.'); sys.exit(lab.main())"
    started = subprocess.Popen([sys.executable, "-c", script], cwd=inside, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    started.stdout.read(1)
    time.sleep(after)
    started.send_signal(signal.SIGINT)
    err = started.communicate(timeout=60)[1].decode()
    assert "Traceback" not in err and started.returncode in (130, 2, -signal.SIGINT)


@pytest.mark.parametrize("begin", ([sys.executable, "-m", "transformer_lab"],
                                   [Path(sys.executable).with_name("transformer-lab")]), ids=("module", "script"))
def test_ctrl_c_at_any_moment_of_the_first_half_second_shows_no_line_of_ours(begin, inside):
    """What lies before our first line is not ours to answer: Python looks for installed packages (``site``), reads the
    line that finds an editable installation, and opens the script. A traceback from there names none of our files.
    """
    if not Path(begin[0]).exists():
        pytest.skip("the script is not installed")
    for after in np.linspace(0, 0.5, 9):
        started = subprocess.Popen([*begin, "train", "digits", "--steps", "3000"], cwd=inside, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        time.sleep(after)
        started.send_signal(signal.SIGINT)
        said = started.communicate(timeout=60)[1].decode()
        assert not re.search(r'File ".*[\\/]transformer_lab[\\/]', said), said
        assert "Traceback" in said or started.returncode in (130, -signal.SIGINT), said


def test_ctrl_c_that_a_library_takes_for_another_fault_is_a_sentence_too(inside):
    script = """if True:
        import os, signal, sys, time
        class Numpy:
            def find_spec(name, path=None, target=None):
                if name == "numpy":
                    try:
                        os.kill(os.getpid(), signal.SIGINT), time.sleep(1)
                    except KeyboardInterrupt:
                        raise ImportError("could not import datetime")
        sys.meta_path.insert(0, Numpy)
        import transformer_lab.__main__ as lab
        sys.exit(lab.main())"""
    done = subprocess.run([sys.executable, "-c", script], cwd=inside, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "\ntransformer-lab: stopped.\n")


def test_what_passes_over_ctrl_c_is_loaded_while_ctrl_c_ends_the_process_at_once(inside):
    script = """if True:
        import signal, sys
        import transformer_lab.__main__ as lab, transformer_lab.cli as cli
        def command():
            print("numpy.random._generator" in sys.modules, signal.getsignal(signal.SIGINT) is lab.stopped)
            return 0
        cli.main = command
        sys.exit(lab.main())"""
    done = subprocess.run([sys.executable, "-c", script], cwd=inside, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True False\n", "")


def test_the_progress_line_fits_the_terminal_that_watches(monkeypatch):
    watching, watched = os.openpty()
    termios.tcsetwinsize(watched, (24, 40))
    monkeypatch.delenv("COLUMNS", raising=False)
    with os.fdopen(watched, "w") as stream:
        bar = Bar(10, stream)
        for done in range(11):
            bar.last = 0
            bar.show(done, {"step": done, "held_out_accuracy": 0.123456789, "held_out_loss": 1.5})
        drawn = b""
        while b"10/10" not in drawn:
            drawn += os.read(watching, 10_000)
    lines = [line.strip() for line in drawn.decode().split("\r\x1b[K")[1:]]
    assert len(lines) == 11 and max(map(len, lines)) <= 39


def test_the_narrated_training_tells_ten_steps_with_the_runs_own_numbers(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "digits", *QUICK, "--narrate", "--to", "runs/digits-0"]) == 0
    said = capsys.readouterr().out
    assert re.findall(r"^ ?(\d+)  [A-Z]", said, re.M) == [str(i) for i in range(1, 11)]
    model, record = load("runs/digits-0")
    assert f"{sum(value.size for value in record.weights.values()):,} weights" in said
    assert f"{model.right(model.run.task.parts.held_out).sum()} of 26 held-out inputs are right" in said
    rows = [(row["step"], f"{row['loss']:.1e}") for row in record.history.rows if "loss" in row]
    assert all(re.search(rf"^ *{step} +{re.escape(loss)} ", said, re.M) for step, loss in rows)
    assert "Inputs in both: 0." in said and said.count("layer 1, head") == 4


def test_narration_and_silence_train_the_same_weights(tmp_path, monkeypatch, inside):
    monkeypatch.chdir(tmp_path)
    run_of = commands.configured(cli.parser().parse_args(["train", "digits", *QUICK]))
    narrate.narrated("told", run_of)
    told, silent = load("told")[1], load(inside / "runs" / "digits-0")[1]
    assert all((told.weights[name] == silent.weights[name]).all() for name in silent.weights)


def test_every_recipe_is_a_run_that_can_be_made():
    for name, recipe in commands.RECIPES.items():
        assert f"  {name}" in commands.recipes() and commands.described(recipe) in commands.recipes()
        if not isinstance(recipe.task, Digits):
            continue
        few = recipe.replace(examples=min(recipe.task.examples, 1000)).task
        assert len(few.parts.train) > 9 * len(few.parts.held_out) // 10 and len(few.encoded(few.parts.train)) == 2


def test_input_at_the_end_of_the_file_is_an_empty_line(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert commands.asked() == ""


def test_runs_whose_settings_differ_have_folders_that_differ(capsys):
    """Also where only the order of two settings differs, they are one run and one folder."""
    few = ["--operations", "Max", "Min", "--high", "3", "--batch", "16", "--held-out", "0.5"]
    for steps in ("2", "3"):
        assert main(["train", "digits", *few, "--steps", steps]) == 0
    assert main(["train", "digits", "--steps", "3", *few]) == 0
    said = capsys.readouterr().out
    assert sorted(path.name for path in Path("runs").iterdir()) == [
        f"digits-0-operations-Max-Min-high-3-held-out-0.5-steps-{steps}-batch-16" for steps in (2, 3)]
    assert said.count("is there already") == 1


def test_a_name_that_would_be_long_ends_in_a_hash_and_differs_still():
    settings = [{"operations": ("Max", "Min", "Median", "Second-largest", "First", "Second"), "held_out": share,
                 "learning_rate": 0.0123456} for share in (0.5, 0.25)]
    names = [commands.named("digits", 0, each) for each in settings]
    assert len(set(names)) == 2 and all(re.fullmatch("digits-0-[0-9a-f]{8}", name) for name in names)


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0 and capsys.readouterr().out == f"transformer-lab {transformer_lab.__version__}\n"


def helps() -> dict[str, str]:
    """The help of the whole and of each command."""
    top = cli.parser()
    verbs = next(action.choices for action in top._actions if isinstance(action.choices, dict))
    return {"": top.format_help(), **{name: verb.format_help() for name, verb in verbs.items()}}


def test_every_example_of_the_help_runs(monkeypatch, capsys):
    """In the order in which they stand; runs are cut short, drawings, films and proofs are tested elsewhere."""
    monkeypatch.setitem(commands.RECIPES, "digits", commands.RECIPES["digits"].replace(steps=8, batch=8, warmup=2))
    for verb in ("studies.study", "figures.figures", "animate.animate", "certify.certify"):
        monkeypatch.setattr(f"transformer_lab.cli.{verb}", lambda options: None)
    examples = [line.strip() for text in helps().values() for line in text.splitlines() if "  transformer-lab " in line]
    assert len(examples) >= 8
    for example in examples:
        short = ["--steps", "8", "--warmup", "2"] if "train rule" in example else []
        assert main([*shlex.split(re.split(r" {3,}", example)[0])[1:], *short]) == 0, example
    assert "Max ( 5 , 8 , 3 )" in capsys.readouterr().out


def test_the_help_says_every_default(capsys):
    said = helps()["train"]
    for name in ("--seed", "--steps", "--learning-rate", "--n-layers", "--held-out", "--to"):
        assert re.search(rf"{name} .*?\(default [^)]+", said, re.S), name


def spoilt(place, name, folder, **changes):
    """A run like another, with other weights, rows or training."""
    record = read_record(place / "runs" / name)
    given = {"config": record.config, "history": record.history, "state": record.weights, "step": 60} | changes
    return write_record(folder, **given)


@pytest.mark.parametrize("much", [1e30, 1e38])
def test_weights_that_give_no_finite_logits_give_no_answer(inside, tmp_path, capsys, much):
    weights = {name: np.float32(much) * np.sign(value) for name, value in load("runs/digits-0")[1].weights.items()}
    folder = str(spoilt(inside, "digits-0", tmp_path / "huge", state=weights))
    for command in (["ask", folder, "Max(1,2,3)"], ["ask", folder, "Max(1,2,3)", "--look"], ["evaluate", folder]):
        assert main(command) == 1
        err = capsys.readouterr().err
        assert "its logits are no finite numbers" in err and "Warning" not in err


def test_a_name_on_two_lines_is_one_line_in_the_list(inside, tmp_path, capsys):
    spoilt(inside, "digits-0", tmp_path / "one\nforged")
    assert main(["runs", str(tmp_path)]) == 0
    assert "one\\nforged" in capsys.readouterr().out


def test_shares_that_are_none_make_a_record_unsound(inside, tmp_path, capsys):
    history = read_record(inside / "runs" / "digits-0").history
    history.rows[-1]["held_out_accuracy"] = 9e300
    spoilt(inside, "digits-0", tmp_path / "boast", history=history)
    assert main(["runs", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "held_out_accuracy 9e+300 at step 60, and a share is from 0 to 1" in said and len(said) < 400


def test_many_digit_models_at_once_are_trained_listed_and_not_asked(tmp_path, capsys):
    assert main(["train", "digits", *QUICK, "--seeds", "2", "--to", "runs/two"]) == 0
    record = read_record("runs/two")
    low, high = sorted(record.history["held_out_accuracy"][-1])
    assert f"2 models, {100 * low:.2f} % to {100 * high:.2f} % right" in capsys.readouterr().out
    assert main(["runs"]) == 0
    assert re.search(rf"^two +60 +{50 * (low + high):.2f} %", capsys.readouterr().out, re.M)
    assert main(["ask", "two", "Max(1,2,3)"]) == main(["evaluate", "two"]) == 1
    assert capsys.readouterr().err.count("holds 2 models, trained at once, and one is asked at a time") == 2


def test_a_folder_that_looks_like_an_option_is_suggested_so_that_it_works(tmp_path, capsys):
    assert main(["train", "digits", *QUICK, "--to=-x"]) == 0
    command = capsys.readouterr().out.splitlines()[-1].strip()
    assert command.startswith("transformer-lab ask ./-x ") and main(shlex.split(command)[1:]) == 0


def test_an_operation_that_is_said_twice_counts_once(capsys):
    once, twice = (cli.parser().parse_args(["train", "digits", "--operations", *words])
                   for words in (["Max", "Min"], ["Max", "Max,Min"]))
    assert commands.given(once) == commands.given(twice) == {"operations": ("Max", "Min")}
