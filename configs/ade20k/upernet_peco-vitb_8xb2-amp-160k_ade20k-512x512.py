# UperNet on ViT-B in BEiT v1's recipe.
_base_ = [
    '../_base_/models/upernet_peco-vit-base.py',
    '../_base_/datasets/ade20k_512.py',
    '../_base_/schedules/ade20k_adamw_160k.py',
    '../_base_/mmseg_runtime.py',
]

pretrained = 'work_dirs/pretrain_vitb_800e/epoch_800.pth'
made_by = {pretrained: 'tools/dist_train.sh configs/peco/pretrain_vitb_800e.py 8'}

model = dict(backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=pretrained)))
