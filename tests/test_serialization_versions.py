"""Files as versions of the library wrote them, byte for byte: they are read for ever."""

from __future__ import annotations

import argparse
import base64
import io
import zlib

import pytest

from tinygrad_rnn import serialization

WRITTEN = {  # of {"x": arange(3.0), "n": [1, "ä"]}; of a Namespace of the same; compressed
    "version 1, pt": (
        "c-oDUze~eF6vr=3Yvn5S2OTOn=$5Ii?b1b*AXze4D?%0tX>!zHNXq3>>`>?;BDlIb3H}9cPP(}IH~25;DEO|${5Y"
        "xfj(2%E-uv8p-@A@3=PPJ7c2M<ueD?$%w>7kZENY*-LsEAvX4M84o~D*jc1&_(#gM?cv{?YrH8Wza7h;o=UgUa?$"
        "%r2Y)EqXkq8LR83?a_ylUX>{yue~7vn@OYH4GV6dl2a|JJyi`AIeWsbcs<OaAVtn=K;VC{16{ehfv}ix;DcK>#{D"
        "*LCloopFxhne_tO6<<yAgVXbvCO<(POY%YPvZ5?gJP4`BO1e~s^RWxsSE@K|a0te4;jTP{?m0_k;tT!|j|DjCwVL"
        "8ZB-tYUTymoG@s2Ed*goe<$rt*eR3um+Z&&Os7JZ=@J;5Uo8{-{qa$D}@_F2^VDZaYq+Wn1kwfTUbSp8pu)V!5^p"
        "JPna2>YVVtQoMy!7tx~P30jlTzxs<LQT2p$n<8cJKxBw_kT70SjCnWG(F<H5RDgL6@g-gg`T^a=rjY"
    ),
    "version 1, safetensors": (
        "c-ke8Jr2S!423xg@|>YfS?B^2muR9WO<br10TNegRYl^M90!Mbu;kA_@A<piVg+L!NY-1j#z4CQjbXV)>rD&+TBt"
        "!lqBuF4B67Vd@S`IIZPzK76$mDTAw46rjVOrtp2mpDluOJ9drz3P;FZ7wUClE}O;v>l1zPLODlWQ4vO*>MUb-Vf7"
        "BCk_o|adUzHpn(+-#}3Mhp16ehx!IN{lK|OP%wcWBcxN;&lE2M7Ks+"
    ),
    "version 1, whole": (
        "c-jl_W@Zs#fB;2?ML*w{?*g(wScpM@A+abqBeN`3KR+oeHMvBuAUns+iH89hG_Xuv4`udnBo?I?Bo-B?PU+$FOUz"
        "9zE=WvHoicffX5*CFDH=VD6;pZ?N;2~*(~A;Q;*0X~^omo9G81z$s}f5x^Yiq|GxBqQTG@+IlS(slQh*vYdU%l4P"
        "w8O`NzE(HF9J$AL!HrJ4<sC>^zfGC1Kp~ZmXn`YVr(?Uo4IvL4|8%s>6FgeDJ4^art~o8O^KbN;mz2?ba=^>)Y2r"
        "q02H6c_<#Mx4P=3^2oS=2j%>f1lK=xcFjTNevP?ELO0nPy@MdHZVa6Sp@E~IZk%WU5-8^(BBFy`RWF8?02Y9oxfo"
        "LWmTn41Q!L9)SBC>u0"
    ),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_files_of_every_version_are_read(name: str):
    content = zlib.decompress(base64.b85decode(WRITTEN[name]))
    with serialization.safe_globals([argparse.Namespace]):
        found = serialization.load(io.BytesIO(content))
    found = vars(found) if isinstance(found, argparse.Namespace) else found
    assert found["x"].tolist() == [0.0, 1.0, 2.0] and found["n"] == [1, "ä"]
