# The same on the tokens of VQ-KD.
_base_ = 'pretrain_vitb_800e.py'

tokenizer_checkpoint = (
    'work_dirs/tokenizer-vq-kd_vqgan-f16_8xb32-amp-coslr-100e_in1k/epoch_100.pth')
made_by = {
    tokenizer_checkpoint:
    'tools/dist_train.sh '
    'configs/peco/tokenizer-vq-kd_vqgan-f16_8xb32-amp-coslr-100e_in1k.py 8'
}
model = dict(
    tokenizer=dict(
        _delete_=True,
        type='peco.FeatureTokenizer',
        encoder=_base_.tokenizer.encoder,
        quantizer=_base_.tokenizer.quantizer,
        decoder=dict(type='peco.FeatureDecoder', in_channels=256, out_channels=768)),
    tokenizer_checkpoint=tokenizer_checkpoint)
