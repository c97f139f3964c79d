# For segmentation: the maps of four depths as a pyramid.
_base_ = './peco_vit-base-p16.py'

backbone = dict(
    rel_pos_bias='per_layer', out_type='featmap', out_indices=(3, 5, 7, 11), final_norm=False)
neck = dict(type='peco.FeaturePyramid', in_channels=768, norm_cfg=dict(type='SyncBN'))
