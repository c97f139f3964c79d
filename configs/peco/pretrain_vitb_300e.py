_base_ = 'pretrain_vitb_800e.py'

param_scheduler = [_base_.param_scheduler[0], dict(_base_.param_scheduler[1], end=300)]
train_cfg = dict(max_epochs=300)
