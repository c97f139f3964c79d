# ViT-L/16: as the base model, with BEiT's smaller layer scale.
_base_ = './peco_vit-base-p16.py'

backbone = dict(arch='large', layer_scale_init=1e-5)
