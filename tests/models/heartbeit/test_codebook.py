"""Words by hand-worked cases."""

import pytest
import torch

from ecgstream.models.heartbeit.codebook import Codebook, perplexity
from ecgstream.models.heartbeit.tokenizer import Tokenizer


def codebook(*codes: list[float], keep: float = 0.5) -> Codebook:
    book = Codebook(len(codes), len(codes[0]), keep)
    book.codes.copy_(torch.tensor(codes))
    book.sums.copy_(book.codes)
    book.use.fill_(1)
    return book


def test_each_vector_is_replaced_by_the_nearest_code_and_codes_move_towards_what_they_replaced():
    book = codebook([0.0, 0.0], [10.0, 0.0])
    out, index = book(torch.tensor([[1.0, 0.0], [9.0, 0.0], [13.0, 0.0]]))
    assert index.tolist() == [0, 1, 1] and out.tolist() == [[0, 0], [10, 0], [10, 0]]
    # use 1, 1 -> (1 + 1) / 2, (1 + 2) / 2; sums 0, 10 -> (0 + 1) / 2, (10 + 22) / 2
    assert book.use.tolist() == [1.0, 1.5]
    assert book.codes[:, 0].tolist() == pytest.approx([0.5, 16 / 1.5])


def test_gradients_pass_as_if_nothing_had_been_replaced_and_codes_stand_when_not_in_training():
    book = codebook([0.0], [1.0]).eval()
    vectors = torch.tensor([[0.2], [0.9]], requires_grad=True)
    (book(vectors)[0] * torch.tensor([[3.0], [5.0]])).sum().backward()
    assert vectors.grad.tolist() == [[3.0], [5.0]] and book.codes.tolist() == [[0.0], [1.0]]


def test_a_word_without_use_begins_anew_at_one_of_the_vectors():
    book = codebook([0.0], [1.0], [100.0], keep=0.1)
    vectors = torch.tensor([[0.0], [0.0], [1.0], [1.0]])
    for _ in range(3):
        book(vectors)
    assert book.codes[2].item() in (0.0, 1.0) and book.use[2] > 0.05


def test_rare_vectors_that_lie_far_away_get_words_of_their_own_from_the_first_batch():
    torch.manual_seed(0)
    book, rare = Codebook(8, 1), torch.tensor([[50.0], [60.0], [70.0]])
    book(torch.cat((0.01 * torch.randn(1000, 1), rare)))  # drawn evenly, hardly one word would be of these three
    assert len(book.nearest(rare).unique()) == 3


@pytest.mark.parametrize(
    ("index", "expected"), [([0, 0, 0, 0], 1.0), ([0, 1, 2, 3], 4.0), ([0, 0, 1, 1], 2.0), ([0, 0, 0, 1], 1.7548)]
)
def test_perplexity_counts_words_by_how_evenly_they_are_used(index: list[int], expected: float):
    assert perplexity(torch.tensor(index), 8) == pytest.approx(expected, abs=1e-4)


def test_words_are_read_whatever_the_shape():
    torch.manual_seed(0)
    tokenizer = Tokenizer(words=16).eval()
    patches = torch.randn(2, 3, 4, 50)
    assert torch.equal(tokenizer.read(patches)[1, 2], tokenizer.read(patches[1, 2]))
    assert torch.equal(tokenizer.read(patches[0, 0]), tokenizer(patches[0, 0])[1])
