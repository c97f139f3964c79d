# The same on the tokens of VQ-KD, which cannot be drawn.
_base_ = 'pretrain_vit-micro_b256-coslr-30e_cifar10-20k.py'

model = dict(tokenizer=dict(_base_.vq_kd_tokenizer, _delete_=True))
custom_hooks = [
    hook for hook in _base_.custom_hooks if hook.type != 'peco.PictureHook'
]
