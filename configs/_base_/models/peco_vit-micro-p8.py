# 1.2 M parameters on 16x16 patches of 128 px, for two CPU cores: two heads, whose attention maps
# cost half as much as those of four.
_base_ = './peco_vit-micro-p4.py'

backbone = dict(arch=dict(num_heads=2), img_size=128, patch_size=8)
