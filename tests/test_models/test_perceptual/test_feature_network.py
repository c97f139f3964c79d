import pytest
import torch

from peco.models.perceptual import FeatureNetwork


class _Given(FeatureNetwork):

    def features(self, x):
        return self.output(x)


def test_images_are_normalised_with_the_networks_own_statistics():
    network = _Given((0.5, 0.4, 0.3), (0.5, 0.2, 0.1))
    network.output = lambda x: [x]
    x = torch.tensor([1., 0.8, 0.3]).view(1, 3, 1, 1).expand(2, 3, 4, 4)
    expected = torch.tensor([1., 2., 0.]).view(1, 3, 1, 1).expand(2, 3, 4, 4)
    torch.testing.assert_close(network(x)[0], expected)
    assert not network.state_dict()


def test_one_map_becomes_a_list_and_other_shapes_are_refused():
    network = _Given((0.5, ) * 3, (0.5, ) * 3)
    network.output = lambda x: x
    assert len(network(torch.rand(1, 3, 4, 4))) == 1
    network.output = lambda x: (x, x.flatten(2))
    with pytest.raises(ValueError, match="Output 1 .* shape .*out_type='featmap'"):
        network(torch.rand(1, 3, 4, 4))
    network.output = lambda x: ([x, x], )
    with pytest.raises(ValueError, match='Output 0 .* type list'):
        network(torch.rand(1, 3, 4, 4))


@pytest.mark.parametrize('mean, std', [
    ((123.675, 116.28, 103.53), (0.2, 0.2, 0.2)),
    ((0.5, 0.5, 0.5), (58.395, 57.12, 57.375)),
    ((0.5, 0.5), (0.5, 0.5)),
    ((0.5, 0.5, 0.5), (0.5, 0., 0.5)),
])
def test_statistics_in_other_units_are_refused(mean, std):
    with pytest.raises(ValueError, match=r'in units of \[0, 1\]'):
        _Given(mean, std)
