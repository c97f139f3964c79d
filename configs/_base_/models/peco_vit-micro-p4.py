# 1.2 M parameters on 8x8 patches of 32 px, for two CPU cores.
backbone = dict(
    type='peco.PeCoViT',
    arch=dict(embed_dims=128, num_layers=6, num_heads=4, feedforward_channels=512),
    img_size=32,
    patch_size=4,
    rel_pos_bias='shared',
    layer_scale_init=0.1)
