# Any size of image -> tokens of 8x8 px: no attention, so that small crops train it.
_base_ = './tokenizer_vqgan-f4-small.py'

tokenizer = dict(
    encoder=dict(channel_mult=(1, 2, 4, 4), attn_levels=()),
    decoder=dict(channel_mult=(1, 2, 4, 4), attn_levels=()))
