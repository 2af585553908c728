"""Shift as rotation: against the codes themselves, against powers of one turn, and against complex numbers."""

import numpy as np
import pytest

from transformer_lab import LabError
from transformer_lab.byhand.positions import frequencies, offset_distance, offset_dot, shift_rotation, sinusoids

WIDTHS = [2, 4, 6, 64, 128]


@pytest.mark.parametrize("d_model", WIDTHS)
@pytest.mark.parametrize("offset", [0, 1, 3, 17, 49])
def test_one_matrix_shifts_every_code_both_ways(d_model, offset):
    codes = sinusoids(100, d_model)
    here, there = codes[:100 - offset], codes[offset:]
    np.testing.assert_allclose(here @ shift_rotation(offset, d_model).T, there, atol=1e-13)
    np.testing.assert_allclose(there @ shift_rotation(-offset, d_model).T, here, atol=1e-13)


@pytest.mark.parametrize("d_model", WIDTHS)
def test_rotations_compose_and_keep_lengths(d_model):
    R = shift_rotation(1, d_model)
    np.testing.assert_allclose(np.linalg.matrix_power(R, 12), shift_rotation(12, d_model), atol=1e-13)
    np.testing.assert_allclose(R @ R.T, np.eye(d_model), atol=1e-15)
    assert np.linalg.det(R) == pytest.approx(1)


def test_a_hand_is_a_complex_number_and_a_shift_multiplies_it():
    z = np.exp(1j * 7 * frequencies(8))
    turned = z * np.exp(1j * 5 * frequencies(8))
    code = np.stack([z.imag, z.real], axis=-1).ravel()
    shifted = np.stack([turned.imag, turned.real], axis=-1).ravel()
    np.testing.assert_allclose(shift_rotation(5, 8) @ code, shifted, atol=1e-15)


@pytest.mark.parametrize("d_model", WIDTHS)
def test_dot_products_and_distances_depend_on_the_offset_alone(d_model):
    codes = sinusoids(80, d_model)
    offset = np.arange(80) - np.arange(80)[:, None]
    np.testing.assert_allclose(codes @ codes.T, offset_dot(offset, d_model), atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(codes[:, None] - codes, axis=-1), offset_distance(offset, d_model),
                               atol=1e-12)


def test_the_base_sets_the_slowest_hand():
    assert frequencies(64)[0] == 1 and frequencies(64)[-1] == pytest.approx(10_000 ** (-62 / 64))
    assert (frequencies(6, base=1) == 1).all()
    turned = shift_rotation(3, 4, base=100) @ [0, 1, 0, 1]
    np.testing.assert_allclose(turned, [np.sin(3), np.cos(3), np.sin(0.3), np.cos(0.3)])


@pytest.mark.parametrize("call", [
    lambda: frequencies(3), lambda: frequencies(4, base=0.5), lambda: frequencies(4, base="ten"),
    lambda: shift_rotation(0.5, 4), lambda: shift_rotation(1, 5), lambda: offset_dot(0.5, 4),
    lambda: offset_distance("far", 4),
])
def test_bad_input_gets_a_sentence(call):
    with pytest.raises(LabError):
        call()
