# For segmentation: the maps of four depths as a pyramid.
_base_ = './peco_vit-large-p16.py'

backbone = dict(
    rel_pos_bias='per_layer', out_type='featmap', out_indices=(7, 11, 15, 23), final_norm=False)
neck = dict(type='peco.FeaturePyramid', in_channels=1024, norm_cfg=dict(type='SyncBN'))
