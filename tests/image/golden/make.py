"""Draws the small odd and broken pictures of tests/image/golden/files and writes expected.txt:
for each file its size, an FNV-1a sum of Pillow's RGB bytes (upright, exif_transpose) or "refused".

    python make.py          needs Pillow and numpy; the files are committed

First letter of a name: j JPEG, p PNG, both fine; x broken, or refused on purpose; g accepted with
another result than Pillow's on purpose (16-bit gray: high byte instead of saturation; text chunks
are never unpacked).
"""

import io
import os
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps

HERE = os.path.dirname(os.path.abspath(__file__))
FILES = os.path.join(HERE, "files")
made = {}


def picture(width=45, height=35, channels=3):
    y, x = np.mgrid[0:height, 0:width]
    planes = [x * 255 // width, y * 255 // height, (x * 7 + y * 11) % 256, (x * y) % 256]
    return np.stack(planes[:channels], -1).astype(np.uint8)


def jpeg(mode="RGB", **options):
    array = picture(channels={"L": 1, "RGB": 3, "CMYK": 4}[mode])
    image = Image.fromarray(array[:, :, 0] if mode == "L" else array, mode)
    out = io.BytesIO()
    image.save(out, "JPEG", **{"quality": 80, **options})
    return out.getvalue()


def segments(data):
    """[(marker, start, end)] up to and with the start of scan."""
    at, found = 2, []
    while True:
        marker, length = data[at + 1], struct.unpack(">H", data[at + 2:at + 4])[0]
        found.append((marker, at, at + 2 + length))
        if marker == 0xDA:
            return found
        at += 2 + length


def without(data, marker):
    for found, start, end in reversed(segments(data)):
        if found == marker:
            data = data[:start] + data[end:]
    return data


def exif(order, orientation, kind=3, count=1, tag=0x0112):
    head = b"II*\0" if order == "<" else b"MM\0*"
    value = struct.pack(order + "HH", orientation, 0)
    entry = struct.pack(order + "HHI", tag, kind, count) + value
    tiff = head + struct.pack(order + "IH", 8, 1) + entry + struct.pack(order + "I", 0)
    return b"Exif\0\0" + tiff


def with_app1(data, payload):
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload + data[2:]


def patch_size(data, width, height):
    for marker, start, _ in segments(data):
        if 0xC0 <= marker <= 0xC2:
            return data[:start + 5] + struct.pack(">HH", height, width) + data[start + 9:]
    raise ValueError("no frame")


def make_jpegs():
    base = jpeg()
    made["j444.jpg"] = jpeg(subsampling=0)
    made["j422.jpg"] = jpeg(subsampling=1)
    made["j420.jpg"] = jpeg(subsampling=2)
    for name, factors in (("j440", 0x12), ("j411", 0x41), ("j410", 0x42), ("j441", 0x14)):
        made[name + ".jpg"] = sampled(factors)
    made["jgray.jpg"] = jpeg("L")
    made["jgray_21.jpg"] = gray_factors(0x21)
    made["jprogressive.jpg"] = jpeg(progressive=True)
    made["jprogressive_gray.jpg"] = jpeg("L", progressive=True)
    made["jrestart.jpg"] = jpeg(restart_marker_blocks=2)
    made["jrestart_rows.jpg"] = jpeg(restart_marker_rows=1, subsampling=2)
    made["joptimized.jpg"] = jpeg(optimize=True)
    made["jquality1.jpg"] = jpeg(quality=1)
    made["jquality100.jpg"] = jpeg(quality=100, subsampling=0)
    made["jcmyk_adobe.jpg"] = jpeg("CMYK")
    made["jcmyk.jpg"] = without(jpeg("CMYK"), 0xEE)
    made["jycck.jpg"] = jpeg("CMYK").replace(b"Adobe\0d\0\0\0\0\0", b"Adobe\0d\0\0\0\0\2")
    made["jno_jfif.jpg"] = without(base, 0xE0)
    made["jrgb_adobe.jpg"] = jpeg(keep_rgb=True, subsampling=0)
    made["jtrailing.jpg"] = base + b"trailing bytes" * 3
    made["jcomment.jpg"] = base[:2] + b"\xff\xfe\0\x06hey!" + base[2:]
    for value in range(1, 9):
        order = "<" if value % 2 else ">"
        made[f"jexif_{value}.jpg"] = with_app1(base, exif(order, value))
    made["jexif_0.jpg"] = with_app1(base, exif("<", 0))
    made["jexif_broken.jpg"] = with_app1(base, exif("<", 6)[:14])
    made["xjunk_before_marker.jpg"] = base[:20] + b"\0\0\0" + base[20:]
    made["xtwo_components.jpg"] = two_components(base)
    made["xno_end.jpg"] = base[:-2]
    for share in (10, 50, 90):
        made[f"xtruncated_{share}.jpg"] = base[:len(base) * share // 100]
    made["xtruncated_header.jpg"] = base[:100]
    made["xhuge.jpg"] = patch_size(base, 65500, 65500)
    made["xzero_width.jpg"] = patch_size(base, 0, 35)
    made["xzero_height.jpg"] = patch_size(base, 45, 0)
    made["xbits12.jpg"] = bits12(base)
    made["xbad_huffman.jpg"] = base[:-60] + b"\xff\0" * 25 + base[-10:]
    made["xscans.jpg"] = many_scans(jpeg("L", progressive=True), 200)
    made["xonly_start.jpg"] = b"\xff\xd8\xff"


def sampled(factors):
    """A picture with luma sampling factors that Pillow cannot write: the frame header of a 4:2:0
    file is changed and the data is that of a gray-block file of the right number of blocks."""
    h, v = factors >> 4, factors & 15
    return raw_baseline([(1, factors), (2, 0x11), (3, 0x11)], 45, 35, h, v)


def gray_factors(factors):
    data = jpeg("L")
    for marker, start, _ in segments(data):
        if marker == 0xC0:
            data = data[:start + 11] + bytes([factors]) + data[start + 12:]
    return data


def raw_baseline(components, width, height, h, v):
    """A baseline file written bit by bit with the standard tables: random small coefficients."""
    rng = np.random.default_rng(h * 16 + v)
    source = jpeg(subsampling=0)
    out = bytearray(b"\xff\xd8")
    for marker, start, end in segments(source):
        if marker in (0xDB, 0xC4):
            out += source[start:end]
    frame = struct.pack(">BHHB", 8, height, width, len(components))
    for index, (number, factors) in enumerate(components):
        frame += bytes([number, factors, 0 if index == 0 else 1])
    out += b"\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame
    scan = bytes([len(components)])
    for index, (number, _) in enumerate(components):
        scan += bytes([number, 0 if index == 0 else 0x11])
    out += b"\xff\xda" + struct.pack(">H", len(scan) + 5) + scan + b"\0\x3f\0"
    bits = ""
    tables = huffman(source)
    mcus = -(-width // (8 * h)) * -(-height // (8 * v))
    for _ in range(mcus):
        for index, (_, factors) in enumerate(components):
            for _ in range((factors >> 4) * (factors & 15)):
                bits += block(rng, tables[(0, min(index, 1))], tables[(1, min(index, 1))])
    bits += "1" * (-len(bits) % 8)
    for at in range(0, len(bits), 8):
        value = int(bits[at:at + 8], 2)
        out.append(value)
        if value == 0xFF:
            out.append(0)
    return bytes(out + b"\xff\xd9")


def huffman(data):
    tables = {}
    for marker, start, end in segments(data):
        at = start + 4
        while marker == 0xC4 and at < end:
            kind, counts = data[at], data[at + 1:at + 17]
            at += 17
            code, table = 0, {}
            for length, count in enumerate(counts, 1):
                for _ in range(count):
                    table[data[at]] = format(code, f"0{length}b")
                    code += 1
                    at += 1
                code <<= 1
            tables[(kind >> 4, kind & 15)] = table
    return tables


def number(value):
    if value == 0:
        return 0, ""
    size = int(abs(value)).bit_length()
    return size, format(value if value > 0 else value + (1 << size) - 1, f"0{size}b")


def block(rng, dc, ac):
    size, text = number(int(rng.integers(-12, 13)))
    bits = dc[size] + text
    for _ in range(int(rng.integers(0, 5))):
        size, text = number(int(rng.integers(1, 16)) * int(rng.choice([-1, 1])))
        bits += ac[(int(rng.integers(0, 8)) << 4) | size] + text
    return bits + ac[0]


def two_components(base):
    for marker, start, end in segments(base):
        if marker == 0xC0:
            frame = base[start + 4:end - 3]
            frame = frame[:5] + b"\2" + frame[6:]
            return base[:start] + b"\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame + base[end:]
    raise ValueError("no frame")


def bits12(base):
    for marker, start, _ in segments(base):
        if marker == 0xC0:
            return base[:start + 1] + b"\xc1" + base[start + 2:start + 4] + b"\x0c" + base[start + 5:]
    raise ValueError("no frame")


def many_scans(data, count):
    """The last scan of a progressive file again and again."""
    start = data.rindex(b"\xff\xda")
    return data[:-2] + data[start:-2] * count + b"\xff\xd9"


def chunk(name, payload):
    crc = zlib.crc32(name + payload)
    return struct.pack(">I", len(payload)) + name + payload + struct.pack(">I", crc)


def png(kind, depth, rows, extra=b"", interlace=0, width=13, height=11, level=9):
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlace)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra +
            chunk(b"IDAT", zlib.compress(rows, level)) + chunk(b"IEND", b""))


def rows(bits, width=13, height=11, seed=1):
    rng = np.random.default_rng(seed)
    size = (width * bits + 7) // 8
    return b"".join(bytes([i % 5]) + rng.bytes(size) for i in range(height))


def adam7(bits, width=13, height=11):
    rng = np.random.default_rng(2)
    data = b""
    for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4),
                           (1, 0, 2, 2), (0, 1, 1, 2)):
        columns, lines = -(-(width - x0) // dx), -(-(height - y0) // dy)
        if columns > 0 and lines > 0:
            data += b"".join(b"\0" + rng.bytes((columns * bits + 7) // 8) for _ in range(lines))
    return data


def make_pngs():
    palette = chunk(b"PLTE", bytes(range(48)) * 16)
    clear = chunk(b"tRNS", bytes(range(0, 256, 16)))
    for kind, name, samples, depths in ((0, "gray", 1, (1, 2, 4, 8)), (2, "rgb", 3, (8, 16)),
                                        (3, "palette", 1, (1, 2, 4, 8)),
                                        (4, "gray_alpha", 2, (8, 16)), (6, "rgba", 4, (8, 16))):
        for depth in depths:
            if kind == 3:
                extra = chunk(b"PLTE", bytes((i * 37) % 256 for i in range(3 << depth)))
            else:
                extra = b""
            made[f"p{name}_{depth}.png"] = png(kind, depth, rows(samples * depth), extra)
    made["pinterlaced.png"] = png(2, 8, adam7(24), interlace=1)
    made["pinterlaced_1.png"] = png(0, 1, adam7(1), interlace=1)
    made["ppalette_alpha.png"] = png(3, 8, rows(8), palette + clear)
    made["prgb_clear.png"] = png(2, 8, rows(24), chunk(b"tRNS", b"\0\1\0\2\0\3"))
    made["pexif_6.png"] = png(2, 8, rows(24), chunk(b"eXIf", exif(">", 6)[6:]))
    made["pgamma.png"] = png(2, 8, rows(24), chunk(b"gAMA", struct.pack(">I", 100000)))
    made["g16.png"] = png(0, 16, rows(16))
    good = png(2, 8, rows(24))
    idat = good.index(b"IDAT")
    made["xbad_idat_crc.png"] = good[:-16] + bytes([good[-16] ^ 1]) + good[-15:]
    made["xbad_ihdr_crc.png"] = good[:29] + bytes([good[29] ^ 1]) + good[30:]
    made["xbad_zlib.png"] = good[:idat + 20] + bytes([good[idat + 20] ^ 0x55]) + good[idat + 21:]
    made["xtruncated.png"] = good[:len(good) // 2]
    made["xhuge.png"] = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(
        ">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    made["xzero.png"] = png(2, 8, rows(24), width=0)
    made["xno_palette.png"] = png(3, 8, rows(8))
    made["xbad_filter.png"] = png(2, 8, b"\x09" + rows(24)[1:])
    made["gtext_bomb.png"] = png(2, 8, rows(24), chunk(b"iTXt", b"k\0\1\0\0\0" +
                                                       zlib.compress(b"a" * 3000000, 9)))
    made["xshort_rows.png"] = png(2, 8, rows(24)[:200])


def fnv(data):
    total = 0xcbf29ce484222325
    for byte in data:
        total = ((total ^ byte) * 0x100000001b3) & 0xffffffffffffffff
    return total


def expected(data):
    try:
        with Image.open(io.BytesIO(data)) as image:
            mode = image.mode
            image.load()
            upright = ImageOps.exif_transpose(image)
            if mode.startswith("I"):
                high = (np.asarray(upright).astype(np.uint32) >> 8).astype(np.uint8)
                upright = Image.fromarray(np.repeat(high[:, :, None], 3, axis=2))
            rgb = upright.convert("RGB")
            return "%d %d %016x" % (*rgb.size, fnv(rgb.tobytes()))
    except Exception as error:
        return "refused # " + str(error).split("\n")[0].split("<_io")[0][:60].strip()


def main():
    make_jpegs()
    make_pngs()
    os.makedirs(FILES, exist_ok=True)
    with open(os.path.join(HERE, "expected.txt"), "w", encoding="ascii") as out:
        for name, data in sorted(made.items()):
            with open(os.path.join(FILES, name), "wb") as file:
                file.write(data)
            out.write(f"{name} {expected(data)}\n")


main()
