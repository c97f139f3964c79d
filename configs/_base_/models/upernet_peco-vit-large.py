# The same on ViT-L; drop path is ours.
_base_ = ['mmseg::_base_/models/upernet_beit.py', './peco_vit-large-p16_depths.py']

model = dict(
    data_preprocessor=dict(size=(512, 512), test_cfg=dict(size_divisor=16)),
    backbone=dict(_base_.backbone, _delete_=True, img_size=512, drop_path_rate=0.2),
    neck=dict(_base_.neck, _delete_=True),
    decode_head=dict(in_channels=[1024] * 4, channels=1024),
    auxiliary_head=dict(in_channels=1024),
    test_cfg=dict(mode='slide', crop_size=(512, 512), stride=(341, 341)))
