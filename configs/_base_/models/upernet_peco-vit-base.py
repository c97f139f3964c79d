# UperNet at 512 px on ViT-B's maps of four depths, in BEiT v1's recipe.
_base_ = ['mmseg::_base_/models/upernet_beit.py', './peco_vit-base-p16_depths.py']

model = dict(
    data_preprocessor=dict(size=(512, 512), test_cfg=dict(size_divisor=16)),
    backbone=dict(_base_.backbone, _delete_=True, img_size=512, drop_path_rate=0.1),
    neck=dict(_base_.neck, _delete_=True),
    test_cfg=dict(mode='slide', crop_size=(512, 512), stride=(341, 341)))
