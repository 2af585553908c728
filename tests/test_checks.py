"""Each check passes what is allowed unchanged, and names the argument in the sentence when it is not."""

import numpy as np
import pytest

from transformer_lab import errors
from transformer_lab.checks import check_array, check_choice, check_flag, check_number, check_seed, check_whole

MATRIX = {"shape": ("batch", 3)}


@pytest.mark.parametrize(("check", "value", "rule", "error"), [
    (check_whole, 2.0, {}, errors.DtypeError),
    (check_whole, True, {}, errors.DtypeError),
    (check_whole, 0, {"low": 1}, errors.RangeError),
    (check_whole, 9, {"high": 8}, errors.RangeError),
    (check_number, "1", {}, errors.DtypeError),
    (check_number, np.nan, {}, errors.NotFiniteError),
    (check_number, 0.0, {"above": 0}, errors.RangeError),
    (check_number, 1.5, {"high": 1}, errors.RangeError),
    (check_flag, 1, {}, errors.DtypeError),
    (check_seed, -1, {}, errors.RangeError),
    (check_seed, 2**63, {}, errors.RangeError),
    (check_choice, "c", {"allowed": ["a", "b"]}, errors.UnknownNameError),
    (check_choice, None, {"allowed": ["a", "b"]}, errors.UnknownNameError),
    (check_array, [1.0, 2.0, 3.0], MATRIX, errors.ShapeError),
    (check_array, [[1.0, 2.0]], MATRIX, errors.ShapeError),
    (check_array, [[1.0, 2.0, 3.0], [1.0]], MATRIX, errors.ShapeError),
    (check_array, [[1, 2, 3]], MATRIX, errors.DtypeError),
    (check_array, [["a", "b", "c"]], MATRIX, errors.DtypeError),
    (check_array, None, MATRIX, errors.LabError),
    (check_array, np.empty((0, 3)), MATRIX, errors.EmptyError),
    (check_array, [[1.0, np.nan, 3.0]], MATRIX, errors.NotFiniteError),
    (check_array, [[1.0, np.inf, 3.0]], MATRIX, errors.NotFiniteError),
    (check_array, [[0, 1, 26]], {**MATRIX, "kind": "whole", "low": 0, "high": 25}, errors.RangeError),
    (check_array, [[-1, 1, 2]], {**MATRIX, "kind": "whole", "low": 0}, errors.RangeError),
    (check_array, np.ones((2, 3)), {"shape": ("n", "n")}, errors.ShapeError),
])
def test_what_is_not_allowed_is_answered_with_a_sentence(check, value, rule, error):
    with pytest.raises(error, match=r"^thing: got .*; allowed is .*\. .+"):
        check("thing", value, **rule)


def test_an_array_keeps_its_dtype_and_leading_axes():
    value = np.ones((5, 2, 3), np.float32)
    assert check_array("thing", value, shape=("batch", 3), leading=True) is value


def test_complex_numbers_pass_where_a_complex_step_may_come():
    assert check_array("thing", [[1j, 0, 0]], kind="inexact", **MATRIX).dtype == np.complex128
    with pytest.raises(errors.DtypeError):
        check_array("thing", [[1j, 0, 0]], **MATRIX)


def test_the_index_of_what_is_not_finite_is_named():
    with pytest.raises(errors.NotFiniteError, match=r"nan at index \(1, 2\)"):
        check_array("thing", [[0.0, 0, 0], [0, 0, np.nan]], **MATRIX)
