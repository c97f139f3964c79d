# PeCo, ViT-B/16: predict the tokens of masked patches, 800 epochs, 8 GPUs x 256 images.
_base_ = [
    '../_base_/models/peco_vit-base-p16.py',
    '../_base_/models/tokenizer_vqgan-f16.py',
    '../_base_/datasets/in1k_mim.py',
    '../_base_/schedules/mim_adamw_coslr-800e.py',
    '../_base_/default_runtime.py',
]

tokenizer_checkpoint = (
    'work_dirs/tokenizer_vqgan-f16_8xb32-amp-coslr-100e_in1k/epoch_100.pth')
made_by = {
    tokenizer_checkpoint:
    'tools/dist_train.sh configs/peco/tokenizer_vqgan-f16_8xb32-amp-coslr-100e_in1k.py 8'
}

model = dict(
    type='peco.PeCo',
    backbone=dict(_base_.backbone, mask_token=True, out_type='raw', drop_path_rate=0.1),
    head=dict(type='peco.MIMHead', embed_dims=768, num_classes=8192),
    tokenizer=_base_.tokenizer,
    tokenizer_checkpoint=tokenizer_checkpoint)

default_hooks = dict(checkpoint=dict(interval=10, max_keep_ckpts=3))
custom_hooks = [
    dict(type='peco.TokenizerGuardHook'),
    dict(type='peco.PictureHook', interval=20),
]
