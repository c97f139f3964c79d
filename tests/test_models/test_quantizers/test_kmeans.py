import torch
import torch.nn.functional as F
from sklearn.cluster import KMeans

from peco.models.quantizers.kmeans import distinct_rows, kmeans
from peco.models.quantizers.nearest_code import nearest_code


def _same(rows):
    return rows


def test_centres_are_those_of_scikit_learn():
    torch.manual_seed(0)
    vectors = torch.randn(200, 3).double()
    start = vectors[:8].clone()
    centres, counts = kmeans(vectors, start, 50, nearest_code, _same)
    reference = KMeans(8, init=start.numpy(), n_init=1, max_iter=300, tol=0).fit(vectors.numpy())
    torch.testing.assert_close(centres, torch.from_numpy(reference.cluster_centers_))
    assert torch.equal(counts, torch.bincount(torch.from_numpy(reference.labels_).long()))


def test_an_empty_cluster_takes_the_farthest_vector():
    vectors = torch.tensor([[0., 0.], [0.1, 0.], [10., 0.], [10.1, 0.], [10., 4.]])
    # No vector is nearest to the last centre.
    start = torch.tensor([[0., 0.], [10., 0.], [-90., -90.]])
    centres, counts = kmeans(vectors, start, 3, nearest_code, _same)
    assert sorted(counts.tolist()) == [1, 2, 2]
    assert any(torch.equal(centre, vectors[4]) for centre in centres)


def test_more_empty_clusters_than_vectors_leaves_finite_centres():
    vectors = torch.tensor([[0., 0.], [1., 1.]])
    centres, counts = kmeans(vectors, torch.arange(10.).view(5, 2) + 50, 4, nearest_code, _same)
    assert centres.isfinite().all() and counts.sum() == 2


def test_spherical_centres_stay_on_the_sphere():
    torch.manual_seed(0)
    vectors = F.normalize(torch.randn(100, 4))
    centres, _ = kmeans(vectors, vectors[:5].clone(), 5, nearest_code, F.normalize)
    torch.testing.assert_close(centres.norm(dim=1), torch.ones(5))


def test_distinct_rows_never_repeats_and_knows_when_there_are_too_few():
    torch.manual_seed(0)
    vectors = torch.randn(12, 3).repeat(40, 1)
    rows = distinct_rows(vectors, 12)
    assert len(rows.unique(dim=0)) == 12
    assert distinct_rows(vectors, 13) is None


def test_distinct_rows_are_drawn_at_random():
    torch.manual_seed(0)
    vectors = torch.arange(20.)[:, None]
    hits = sum(torch.bincount(distinct_rows(vectors, 5)[:, 0].long(), minlength=20)
               for _ in range(800))
    # 200 expected each, with a deviation of about 12.
    assert hits.min() > 140 and hits.max() < 260
