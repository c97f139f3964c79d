# ViT-B/16 as BEiT builds it: shared relative position bias, layer scale 0.1, no absolute positions.
backbone = dict(
    type='peco.PeCoViT',
    arch='base',
    img_size=224,
    patch_size=16,
    rel_pos_bias='shared',
    layer_scale_init=0.1)
