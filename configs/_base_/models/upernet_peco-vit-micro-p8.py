# UperNet, narrow.
_base_ = ['mmseg::_base_/models/upernet_beit.py', './peco_vit-micro-p8_depths.py']

model = dict(
    backbone=dict(_base_.backbone, _delete_=True),
    neck=dict(_base_.neck, _delete_=True),
    decode_head=dict(in_channels=[128] * 4, channels=64),
    auxiliary_head=dict(in_channels=128, channels=64))
