# PeCo, ViT-L/16, on the base model's schedule. Blocks are recomputed in the backward pass, so that
# less of 256 images has to be kept.
_base_ = 'pretrain_vitb_800e.py'

model = dict(
    backbone=dict(arch='large', layer_scale_init=1e-5, with_cp=True), head=dict(embed_dims=1024))
