"""What the compiled encoder computes with, against double precision."""

import numpy as np
import pytest
from numba import njit
from scipy.special import expit, ndtr

from ecgstream.fused.functions import add_gated, exp, gelu, normalise, product, sigmoid
from ecgstream.fused.sizes import LANES, PADDING, PANEL, ROWS

X = np.linspace(-80, 80, 200_001, dtype=np.float32)


def over(function, x: np.ndarray) -> np.ndarray:
    @njit(error_model="numpy")
    def run(x, y):
        for k in range(len(x)):
            y[k] = function(x[k])

    y = np.empty_like(x)
    run(x, y)
    return y.astype(float)


def test_the_exponential():
    np.testing.assert_allclose(over(exp, X), np.exp(X.astype(float)), rtol=4e-7)


def test_the_sigmoid():
    np.testing.assert_allclose(over(sigmoid, X), expit(X.astype(float)), atol=2e-7)


def test_the_gaussian_gate():
    x = X.astype(float)
    assert (abs(over(gelu, X) - x * ndtr(x)) <= 2.5e-7 * np.maximum(1, abs(x))).all()


@pytest.mark.parametrize("function", [exp, sigmoid, gelu])
def test_what_is_no_number_stays_so(function):
    assert np.isnan(over(function, np.full(40, np.nan, np.float32))).all()


def test_the_norm():
    tokens = np.random.default_rng(0).standard_normal((3, 64)).astype(np.float32)
    out = np.empty_like(tokens)
    normalise(tokens, out)
    wanted = tokens / np.sqrt((tokens.astype(float) ** 2).mean(1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(out, wanted, atol=1e-6)


def panels_of(weight: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(weight.reshape(len(weight), -1, PANEL).transpose(1, 0, 2))


@pytest.mark.parametrize("n", [1, ROWS, ROWS + 1, 50])
def test_a_product_is_whole_and_no_further_than_its_padding(n: int):
    draw = np.random.default_rng(n)
    left = draw.standard_normal((n + PADDING, 37)).astype(np.float32)
    weight, first = draw.standard_normal((37, 3 * PANEL)), draw.standard_normal(3 * PANEL).astype(np.float32)
    out = np.zeros((n + PADDING, 3 * PANEL), np.float32)
    product(left, panels_of(weight.astype(np.float32)), first, n, out)
    np.testing.assert_allclose(out[:n], left[:n].astype(float) @ weight + first, atol=1e-4)
    assert not out[-(-n // ROWS) * ROWS :].any()


def test_a_gated_product_is_added():
    draw = np.random.default_rng(1)
    left, weight = draw.standard_normal((20 + PADDING, 24)).astype(np.float32), draw.standard_normal((24, 4 * LANES))
    tokens = np.ones((20 + PADDING, 2 * LANES), np.float32)
    add_gated(left, panels_of(weight.astype(np.float32)), 20, np.empty((ROWS, PANEL), np.float32), tokens)
    both = (left[:20].astype(float) @ weight).reshape(20, 2, 2, LANES)
    wanted = 1 + (both[:, :, 0] * expit(both[:, :, 1])).reshape(20, 2 * LANES)
    np.testing.assert_allclose(tokens[:20], wanted, atol=1e-4)
