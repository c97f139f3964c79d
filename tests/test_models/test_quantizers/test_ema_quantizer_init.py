import pytest
import torch
import torch.nn.functional as F

from peco.models.quantizers import CosineEMAQuantizer, EMAQuantizer
from peco.models.quantizers.kmeans import distinct_rows, kmeans
from tests.test_models.test_quantizers.quantizers import preset


@pytest.mark.parametrize('init', ['kmeans', 'data'])
def test_vectors_are_gathered_over_batches(init):
    torch.manual_seed(0)
    quantizer = EMAQuantizer(40, 4, init=init, init_vectors=40)
    for _ in range(2):
        z = torch.randn(1, 4, 4, 4, requires_grad=True)
        out = quantizer(z)
        assert torch.equal(out.quantized, z) and out.commitment_loss == 0 and not out.ids.any()
        assert not out.stats['initted'] and not quantizer.initialised
    out = quantizer(torch.randn(1, 4, 4, 4))
    assert out.stats['initted'] and quantizer.initialised and quantizer.initted
    assert len(quantizer.embedding.unique(dim=0)) == 40
    assert not quantizer._pending


def test_the_decoder_sees_the_scale_of_the_codes_from_the_first_step():
    quantizer = CosineEMAQuantizer(40, 4, init='data')
    z = (torch.randn(1, 4, 4, 4) * 9).requires_grad_()
    out = quantizer(z)
    assert not out.stats['initted']
    torch.testing.assert_close(out.quantized, F.normalize(z, dim=1))
    out.quantized.sum().backward()
    assert z.grad.abs().sum() > 0


def test_data_init_takes_vectors_of_the_data():
    torch.manual_seed(0)
    quantizer = EMAQuantizer(16, 4, init='data', decay=0.)
    z = torch.randn(1, 4, 4, 4)
    out = quantizer(z)
    # 16 distinct vectors for 16 codes: each is its own code.
    assert torch.equal(out.quantized, z)


def test_kmeans_init_beats_data_init():
    torch.manual_seed(0)
    centres = torch.randn(8, 4) * 10
    z = (centres[torch.arange(512) % 8] + torch.randn(512, 4)).T.reshape(1, 4, 16, 32)
    losses = {}
    for init in ('kmeans', 'data'):
        torch.manual_seed(1)
        losses[init] = EMAQuantizer(8, 4, init=init)(z).commitment_loss.item()
    assert losses['kmeans'] < losses['data']


def test_kmeans_init_takes_the_centres_and_their_counts():
    torch.manual_seed(0)
    centres = torch.randn(8, 4)
    rows = centres[torch.arange(512) % 8] + torch.randn(512, 4)
    quantizer = EMAQuantizer(8, 4, init='kmeans', kmeans_iters=7, init_vectors=1000)
    quantizer(rows.T.reshape(1, 4, 16, 32))
    torch.manual_seed(1)
    quantizer.check_initialised()
    torch.manual_seed(1)
    wanted, counts = kmeans(rows, distinct_rows(rows, 8), 7, quantizer._search, quantizer._prepare)
    torch.testing.assert_close(quantizer.embedding, wanted)
    torch.testing.assert_close(quantizer.cluster_size, counts.to(quantizer.cluster_size))
    assert counts.sum() == 512 and counts.unique().numel() > 1


def test_defaults_of_init_vectors():
    assert EMAQuantizer(10, 4).init_vectors == 40
    assert EMAQuantizer(10, 4, init='data').init_vectors == 10


def test_end_of_epoch_finishes_a_pending_initialisation():
    quantizer = EMAQuantizer(16, 4, init='kmeans', init_vectors=1000)
    quantizer(torch.randn(1, 4, 4, 5))
    assert not quantizer.initialised
    quantizer.check_initialised()
    assert quantizer.initialised
    quantizer.check_initialised()


def test_too_few_vectors_is_a_clear_error():
    quantizer = EMAQuantizer(64, 4)
    with pytest.raises(ValueError, match='codebook of 64 codes.*0 vectors'):
        quantizer.check_initialised()
    quantizer(torch.randn(1, 4, 3, 4))
    quantizer(torch.zeros(1, 4, 3, 4))
    with pytest.raises(ValueError, match='64 codes.*24 vectors.*13 are distinct.*codebook_size'):
        quantizer.check_initialised()


def test_too_few_vectors_an_epoch_show_at_the_first_step():
    quantizer = EMAQuantizer(64, 4)
    quantizer(torch.randn(1, 4, 3, 4))
    with pytest.raises(ValueError, match=r'64 codes.*60 vectors \(5 steps of 12\).*at most 60'):
        quantizer.check_supply(5)
    quantizer.check_supply(6)
    preset().check_supply(0)


def test_a_flat_data_set_piles_up_no_vectors():
    quantizer = EMAQuantizer(8, 4, init='data')
    for _ in range(20):
        quantizer(torch.ones(1, 4, 4, 4))
    assert not quantizer.initialised
    assert sum(map(len, quantizer._pending)) <= 17
    quantizer(torch.randn(1, 4, 4, 4))
    assert quantizer.initialised


def test_uninitialised_codebook_refuses_use():
    quantizer = EMAQuantizer(8, 4)
    for use in (quantizer.assign, quantizer.eval().forward):
        with pytest.raises(RuntimeError, match='not initialised'):
            use(torch.randn(1, 4, 2, 2))
    with pytest.raises(RuntimeError, match='not initialised'):
        quantizer.lookup(torch.zeros(1, 2, 2, dtype=torch.long))
