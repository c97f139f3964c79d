# 224 px -> 14x14 tokens at a tenth of the cost: few channels where there are many pixels.
_base_ = './tokenizer_vqgan-f16.py'

tokenizer = dict(
    encoder=dict(
        base_channels=32, channel_mult=(1, 2, 4, 8, 16), num_res_blocks=1, attn_levels=()))
