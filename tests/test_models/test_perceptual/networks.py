"""Small networks for the tests."""

from torch import nn

NORM = dict(mean=(0.5, 0.4, 0.3), std=(0.25, 0.2, 0.3))
RESNET = dict(type='mmpretrain.ResNet_CIFAR', depth=18, stem_channels=4, base_channels=4,
              out_indices=(0, 1, 2, 3))
TINY_ARCH = dict(embed_dims=8, num_layers=3, num_heads=2, feedforward_channels=16)
VIT = dict(type='mmpretrain.VisionTransformer', arch=TINY_ARCH, img_size=16, patch_size=4,
           out_indices=(0, 2), out_type='featmap')
PECO_VIT = dict(type='peco.PeCoViT', arch=TINY_ARCH, img_size=16, patch_size=4,
                out_indices=(0, 2), out_type='featmap')


class TwoDepths(nn.Module):
    """Two feature maps of different channels and sizes, with layers that have a train mode."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5))
        self.second = nn.Conv2d(4, 6, 3, stride=2)

    def forward(self, x):
        first = self.first(x)
        return [first, self.second(first)]
