"""The one table of colours holds what the house style promises: contrast, and roles that no eye confuses."""

from itertools import combinations

import numpy as np
import pytest

from transformer_lab.plots.cells import TINT
from transformer_lab.theme import color, theme

ROLES = ("query", "key", "value", "residual", "mlp")
GRAPHICS = (*ROLES, "other", "amount", "positive", "negative")
TEXT = ("ink", "soft", "link")

# Machado, Oliveira and Fernandes 2009, severity 1, for linear RGB.
VISION = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
# Ottosson 2020.
TO_LMS = [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
          [0.0883024619, 0.2817188376, 0.6299787005]]
TO_LAB = [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
          [0.0259040371, 0.7827717662, -0.8086757660]]


def linear(code: str) -> np.ndarray:
    channels = np.array([int(code[i:i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(first: str, second: str) -> float:
    low, high = sorted(linear(code) @ [0.2126, 0.7152, 0.0722] for code in (first, second))
    return (high + 0.05) / (low + 0.05)


def oklab(code: str, vision: str) -> np.ndarray:
    seen = np.clip(np.array(VISION[vision]) @ linear(code), 0, 1)
    return np.array(TO_LAB) @ np.cbrt(np.array(TO_LMS) @ seen)


def test_the_measures_know_their_textbook_values():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    np.testing.assert_allclose(oklab("#ffffff", "normal"), [1, 0, 0], atol=1e-4)
    np.testing.assert_allclose(oklab("#ff0000", "normal"), [0.6280, 0.2249, 0.1258], atol=1e-4)


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("name", GRAPHICS)
def test_graphics_stand_out_from_the_page(name, mode):
    assert contrast(color(name, mode), color("page", mode)) >= 3.8


@pytest.mark.parametrize("ground", ["page", "surface"])
@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("name", TEXT)
def test_text_can_be_read(name, mode, ground):
    assert contrast(color(name, mode), color(ground, mode)) >= 4.5


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_role_colours_differ_for_every_eye(mode, vision):
    distances = {pair: np.linalg.norm(oklab(color(pair[0], mode), vision) - oklab(color(pair[1], mode), vision))
                 for pair in combinations(ROLES, 2)}
    assert min(distances.values()) >= 0.095, min(distances.items(), key=lambda item: item[1])


@pytest.mark.parametrize("name", ["amount", "positive", "negative"])
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_numbers_in_a_strip_can_be_read_on_its_strongest_cell(mode, name):
    ground, full = (np.array([int(color(which, mode)[i:i + 2], 16) for i in (1, 3, 5)]) for which in ("page", name))
    cell = "#" + "".join(f"{channel:02x}" for channel in (ground + TINT * (full - ground)).round().astype(int))
    assert contrast(color("ink", mode), cell) >= 4.5


def test_light_colours_are_distinct_so_that_a_hex_names_one_variable():
    codes = list(theme()["light"].values())
    assert len(set(codes)) == len(codes)
    assert theme()["light"].keys() == theme()["dark"].keys()
