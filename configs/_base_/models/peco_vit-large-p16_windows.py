# For detection: 14x14 windows, four global blocks, and the maps of these as a pyramid.
_base_ = './peco_vit-large-p16.py'

backbone = dict(
    rel_pos_bias='per_layer',
    out_type='featmap',
    out_indices=(5, 11, 17, 23),
    window_size=14,
    global_blocks=(5, 11, 17, 23),
    final_norm=False)
neck = [
    dict(type='peco.FeaturePyramid', in_channels=1024, norm_cfg=dict(type='SyncBN')),
    dict(type='FPN', in_channels=[1024] * 4, out_channels=256, num_outs=5),
]
