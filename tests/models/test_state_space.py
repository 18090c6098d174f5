"""The state-space layer against its own definition, one complex step at a time."""

import torch

from ecgstream.models.state_space import StateSpace, advance, in_parts


def recurrence(layer: StateSpace, u: torch.Tensor) -> torch.Tensor:
    """x' = λx + γu, y = Re(Cx') + du, written out."""
    decay = layer.slowest_decay + torch.exp(layer.log_decay)
    step = torch.exp(torch.complex(-decay, layer.turn))
    gain = torch.sqrt(1 - step.abs() ** 2)
    x = torch.zeros(u.shape[1], *step.shape, dtype=torch.complex64)
    out = []
    for now in u.unbind(2):
        x = step * x + gain * now.t()[:, :, None]
        out.append(((torch.view_as_complex(layer.c) * x).real.sum(2) + layer.skip * now.t()).t())
    return torch.stack(out, 2)


def test_any_chunk_length_gives_the_recurrence():
    torch.manual_seed(0)
    layer = StateSpace(6, 4, longest_tau_tokens=75.0)
    u = torch.randn(6, 3, 60)
    wanted = recurrence(layer, u)
    for length in (1, 5, 20, 60):
        y, _ = advance(in_parts(layer.matrix(length), 8), u, torch.zeros(6, 3, 8))
        torch.testing.assert_close(y, wanted, atol=1e-5, rtol=0)


def test_a_carried_state_continues_the_run():
    torch.manual_seed(0)
    layer = StateSpace(6, 4, longest_tau_tokens=75.0)
    matrix, u = layer.matrix(5), torch.randn(6, 2, 40)
    whole, last = advance(in_parts(matrix, 8), u, torch.zeros(6, 2, 8))
    first, x = advance(in_parts(matrix, 8), u[:, :, :15], torch.zeros(6, 2, 8))
    second, x = advance(in_parts(matrix, 8), u[:, :, 15:], x)
    torch.testing.assert_close(torch.cat((first, second), 2), whole)
    torch.testing.assert_close(x, last)


def test_no_mode_remembers_longer_than_its_bound():
    torch.manual_seed(0)
    layer = StateSpace(64, 8, longest_tau_tokens=75.0)
    with torch.no_grad():
        layer.log_decay.fill_(-20.0)  # what training might drive it to
    impulse_then_a_minute = torch.cat((torch.ones(64, 1, 5), torch.zeros(64, 1, 1500)), 2)
    _, x = advance(in_parts(layer.matrix(5), 16), impulse_then_a_minute, torch.zeros(64, 1, 16))
    assert x.abs().max() < 1e-6


def test_maps_are_made_where_the_layer_lies():
    layer = StateSpace(6, 4, longest_tau_tokens=75.0).to("meta")
    assert {part.device.type for part in in_parts(layer.matrix(5), 8)} == {"meta"}
