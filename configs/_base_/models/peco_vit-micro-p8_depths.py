# For segmentation: 16x16 windows and two global blocks; four depths as strides 4 to 32.
_base_ = './peco_vit-micro-p8.py'

backbone = dict(
    rel_pos_bias='per_layer',
    out_type='featmap',
    out_indices=(1, 2, 3, 5),
    window_size=16,
    global_blocks=(2, 5),
    final_norm=False)
neck = dict(type='peco.FeaturePyramid', in_channels=128, scales=(2, 1, 0.5, 0.25))
