# The perceptual codebook: tokens of 8x8 px out of 1024 codes.
_base_ = [
    '../_base_/models/tokenizer_vqgan-f8-small.py',
    '../_base_/models/perceptual-loss_simclr-small.py',
    '../_base_/datasets/nuclei_tokenizer.py',
    '../_base_/schedules/tokenizer_adamw_coslr-2e.py',
    '../_base_/default_runtime.py',
]

perceptual_network = 'work_dirs/nuclei/perceptual_network.pth'
made_by = dict(
    _delete_=True,
    **{
        perceptual_network:
        'python tools/run_pipeline.py configs/nuclei/pipeline.py --until perceptual-network'
    })

# In so few steps the pixel term has to weigh more, and the codes have to follow the encoder faster.
_perceptual_loss = dict(_base_.perceptual_loss)
_perceptual_loss['network'] = dict(_perceptual_loss['network'], checkpoint=perceptual_network)
model = dict(
    _base_.tokenizer,
    pixel_loss=dict(type='peco.PixelLoss', norm='L2', weight=10.0),
    perceptual_loss=_perceptual_loss,
    quantizer=dict(_base_.tokenizer.quantizer, decay=0.9, restart_interval=10),
    commitment_weight=0.25)

optim_wrapper = dict(optimizer=dict(lr=5e-4))
param_scheduler = [_base_.param_scheduler[0], dict(_base_.param_scheduler[1], end=8)]
train_cfg = dict(max_epochs=8, val_interval=4)
default_hooks = dict(logger=dict(interval=10))
custom_hooks = [dict(type='peco.CodebookHook'), dict(type='peco.PictureHook', interval=4)]
