"""A tokenizer of a few thousand weights for the tests."""

SIZE = dict(base_channels=4, channel_mult=(1, 2, 2), num_res_blocks=1)


def tokenizer_cfg(codebook_size=16, code_dim=8, init='random', perceptual=None, **kwargs):
    cfg = dict(
        type='peco.PerceptualTokenizer',
        encoder=dict(type='peco.ConvEncoder', out_channels=code_dim, **SIZE),
        quantizer=dict(type='peco.EMAQuantizer', codebook_size=codebook_size, code_dim=code_dim,
                       init=init),
        decoder=dict(type='peco.ConvDecoder', in_channels=code_dim, **SIZE),
        **kwargs)
    if perceptual is not None:
        cfg['perceptual_loss'] = perceptual
    return cfg


PERCEPTUAL = dict(
    type='peco.PerceptualLoss',
    network=dict(
        type='peco.BackboneFeatures',
        backbone=dict(type='mmpretrain.ResNet_CIFAR', depth=18, stem_channels=4, base_channels=4,
                      out_indices=(0, 1)),
        mean=(0.5, 0.5, 0.5),
        std=(0.25, 0.25, 0.25),
        allow_random=True))
