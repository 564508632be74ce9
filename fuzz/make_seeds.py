"""Small files of scanners and arrays, as other people's writers write them, for `seeds/`.

pip install numpy pydicom nibabel pillow pyarrow imagecodecs tifffile
"""

import gzip
import io
import json
import os
import struct
import tarfile
import warnings
import zipfile
import zlib

import imagecodecs
import nibabel
import numpy
import pyarrow
import pyarrow.parquet
import tifffile
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

warnings.simplefilter("ignore")
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "seeds")
SOME = numpy.random.default_rng(1)


def keep(target, name, content):
    os.makedirs(os.path.join(HERE, target), exist_ok=True)
    with open(os.path.join(HERE, target, name), "wb") as file:
        file.write(content)


def scan(name, syntax, pixels, bits=16, photometric="MONOCHROME2", frames=None, **more):
    """Pixels are (frames, rows, columns[, 3]), or the pieces of compressed ones."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = syntax
    data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    data.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    data.SOPClassUID, data.SOPInstanceUID, data.Modality = "1.2.840.10008.5.1.4.1.1.7", "1.2.3", "CT"
    colour = photometric in ("RGB", "YBR_FULL_422")
    data.Rows, data.Columns = 4, 6
    data.SamplesPerPixel = 3 if colour else 1
    data.PhotometricInterpretation = photometric
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = bits, bits, bits - 1, 0
    if colour:
        data.PlanarConfiguration = 0
    if frames:
        data.NumberOfFrames = frames
    for key, value in more.items():
        setattr(data, key, value)
    if isinstance(pixels, list):
        data.PixelData = encapsulate(pixels)
        data["PixelData"].is_undefined_length = True
    else:
        order = ">" if syntax == ExplicitVRBigEndian else "<"
        data.PixelData = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    data["PixelData"].VR = "OB" if bits == 8 else "OW"
    if syntax == RLELossless:
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
    out = io.BytesIO()
    data.save_as(out, enforce_file_format=True)
    keep("dicom", name + ".dcm", out.getvalue())


def scans():
    deep = SOME.integers(0, 4000, (1, 4, 6)).astype("u2")
    flat = SOME.integers(0, 255, (2, 4, 6, 3)).astype("u1")
    jpeg = io.BytesIO()
    Image.fromarray(flat[0]).save(jpeg, "JPEG")
    hounsfield = dict(RescaleSlope="1", RescaleIntercept="-1024", WindowCenter="40", WindowWidth="400")
    scan("implicit", ImplicitVRLittleEndian, deep, **hounsfield)
    scan("explicit_inverted", ExplicitVRLittleEndian, deep, photometric="MONOCHROME1")
    scan("big_endian", ExplicitVRBigEndian, deep)
    scan("deflated", DeflatedExplicitVRLittleEndian, deep)
    scan("colour_frames", ExplicitVRLittleEndian, flat, bits=8, photometric="RGB", frames=2)
    scan("rle_colour", RLELossless, flat, bits=8, photometric="RGB", frames=2)
    scan("rle_deep", RLELossless, deep)
    scan("jpeg", JPEGBaseline8Bit, [jpeg.getvalue()], bits=8, photometric="YBR_FULL_422")
    shades = numpy.arange(256, dtype="u2").tobytes()
    table = {
        f"{c}PaletteColorLookupTable{what}": value
        for c in ("Red", "Green", "Blue")
        for what, value in (("Descriptor", [256, 0, 16]), ("Data", shades))
    }
    scan("palette", ExplicitVRLittleEndian, flat[:1, :, :, 0], bits=8, photometric="PALETTE COLOR", **table)


def item(**values):
    data = Dataset()
    for key, value in values.items():
        setattr(data, key, value)
    return data


def lookup(first, values):
    data = Dataset()
    data.add_new(0x00283002, "US", [len(values), first, 16])
    data.add_new(0x00283006, "US", values)
    return data


def later_scans():
    rng = numpy.random.default_rng(2)
    deep = (numpy.arange(24).reshape(4, 6) * 150 + rng.integers(0, 99, (4, 6))).astype("u2")
    colours = rng.integers(0, 255, (4, 6, 3)).astype("u1")
    scan("jpeg_ls", JPEGLSLossless, [imagecodecs.jpegls_encode(deep)], bits=12)
    scan("jpeg_ls_near", JPEGLSNearLossless, [imagecodecs.jpegls_encode(colours, level=3)], bits=8, photometric="RGB")
    frames = [imagecodecs.jpeg2k_encode(image, codecformat="j2k", reversible=True) for image in (deep, deep[::-1])]
    scan("jpeg_2000", JPEG2000Lossless, frames, frames=2)
    scan("jpeg_12", JPEGExtended12Bit, [imagecodecs.jpeg_encode(deep, bitspersample=12)], bits=12)
    tables = dict(ModalityLUTSequence=[lookup(100, [7, 9, 900])], VOILUTSequence=[lookup(0, list(range(900)))])
    scan("tables", ExplicitVRLittleEndian, deep[None], PixelPaddingValue=0, **tables)
    own = [
        item(
            PixelValueTransformationSequence=[item(RescaleIntercept=str(-frame), RescaleSlope="2", RescaleType="HU")],
            FrameVOILUTSequence=[item(WindowCenter="40", WindowWidth="400", VOILUTFunction="SIGMOID")],
        )
        for frame in range(2)
    ]
    groups = dict(SharedFunctionalGroupsSequence=[item()], PerFrameFunctionalGroupsSequence=own)
    scan("groups", ExplicitVRLittleEndian, numpy.stack([deep] * 2), frames=2, **groups)


def stacks():
    voxels = numpy.arange(24).astype("<i2")
    nrrd = "NRRD0005\ntype: short\ndimension: 3\nsizes: 3 2 4\nspace: LPS\nspace directions: (1,0,0) (0,2,0) (0,0,-2)\nendian: little\nencoding: %s\n\n"
    keep("nrrd", "plain.nrrd", (nrrd % "raw").encode() + voxels.tobytes())
    keep("nrrd", "packed.nrrd", (nrrd % "gzip").encode() + gzip.compress(voxels.tobytes(), mtime=0))
    meta = "ObjectType = Image\nNDims = 3\nBinaryData = True\nCompressedData = %s\nTransformMatrix = 0 1 0 -1 0 0 0 0 1\nElementSpacing = 1 1 2\nDimSize = 3 2 4\nElementType = MET_SHORT\nElementDataFile = %s\n"
    keep("metaimage", "plain.mha", (meta % (False, "LOCAL")).encode() + voxels.tobytes())
    keep("metaimage", "packed.mha", (meta % (True, "LOCAL")).encode() + zlib.compress(voxels.tobytes()))
    keep("metaimage", "beside.mhd", (meta % (False, "scan.raw")).encode())
    for name, pages in (("deep", voxels.reshape(3, 2, 4).astype("u2")), ("flat", voxels.reshape(3, 2, 4).astype("u1"))):
        out = io.BytesIO()
        tifffile.imwrite(out, pages, photometric="minisblack", metadata=None)
        keep("stack", name + ".tif", out.getvalue())


def volumes():
    voxels = SOME.integers(0, 900, (3, 2, 4)).astype("i2")
    for name, kind, image in (
        ("one", "nii", nibabel.Nifti1Image(voxels, numpy.eye(4))),
        ("two", "nii", nibabel.Nifti2Image(voxels.astype("f4"), numpy.eye(4))),
        ("series", "nii", nibabel.Nifti1Image(numpy.stack([voxels] * 2, 3).astype("u1"), numpy.eye(4))),
        ("packed", "nii.gz", nibabel.Nifti1Image(voxels.astype("f8"), numpy.eye(4))),
    ):
        image.header.set_slope_inter(2.0, -3.0)
        path = os.path.join(HERE, "nifti", f"{name}.{kind}")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        nibabel.save(image, path)
    # Voxels at the other end of the byte order.
    header = nibabel.Nifti1Header(endianness=">")
    image = nibabel.Nifti1Image(voxels.astype(">i2"), numpy.eye(4), header)
    keep("nifti", "big_endian.nii", image.to_bytes())


def arrays():
    images = SOME.integers(0, 255, (4, 3, 3)).astype("u1")
    labels = numpy.array([[0], [1], [1], [0]])
    for name, save, parts in (
        ("grey", numpy.savez, ("train",)),
        ("parts", numpy.savez_compressed, ("train", "val", "test")),
    ):
        out = io.BytesIO()
        save(out, **{f"{p}_images": images for p in parts}, **{f"{p}_labels": labels for p in parts})
        keep("arrays", name + ".npz", out.getvalue())
    out = io.BytesIO()
    numpy.savez(out, train_images=numpy.stack([images] * 3, 3), train_labels=labels[:, 0].astype("u1"))
    keep("arrays", "colour.npz", out.getvalue())


def texts():
    keep("table", "comma.csv", b"file,label\na.bmp,one\nb/c.bmp,two\n")
    keep("table", "semicolon.csv", b"\xef\xbb\xbfid;image;diagnosis\r\n1;a.bmp;\"one; or none\"\r\n2;b/c.bmp;two\r\n3;gone.png;two\r\n")
    keep("table", "wide.csv", "file,label\r\na.bmp,g\u00f6sund\r\nb/c.bmp,g\u00e4sund\r\n".encode("utf-16"))
    keep("table", "hot.csv", b"image,MEL,NV,split,patient_id\na,1.0,0.0,train,p1\nb\\c,0.0,1.0,test,p2\n")
    keep("table", "tab.csv", b"Path\tClass\n./a.bmp\t10\n../a.bmp\t2\nb/c.bmp\t2\n")
    keep("notes", "about.toml", b"star = true\nnote = \"the best so far\"\n")
    answer = b'{"class":"eosinophil","fake":true,"said_fake":false,"seconds":2.5}'
    keep("notes", "quiz.json", b'{"time":1700000000,"step":400,"class":null,"seed":3,"held_out":true,"answers":[' + answer + b"," + answer.replace(b"true", b"false") + b"]}")
    waiting = b'{"id":0,"name":"first","config":"image_size = 16","state":"Waiting","session":null}'
    keep("notes", "queue.json", b"[" + waiting + b"," + waiting.replace(b'"id":0', b'"id":7').replace(b'"Waiting"', b'{"Failed":"no"}') + b"]")


def picture(shade):
    out = io.BytesIO()
    Image.new("L", (6, 5), shade).save(out, "PNG")
    return out.getvalue()


def packed(files, kind):
    out = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files:
                archive.writestr(name, content)
    else:
        with tarfile.open(fileobj=out, mode="w:gz" if kind == "tar.gz" else "w") as archive:
            for name, content in files:
                about = tarfile.TarInfo(name)
                about.size = len(content)
                archive.addfile(about, io.BytesIO(content))
    return out.getvalue()


def archives():
    folders = [(f"cells/{k}/{i}.png", picture(50 * i + 9 * k)) for k in (2, 10) for i in range(2)] + [("cells/notes.txt", b"notes")]
    for kind in ("zip", "tar", "tar.gz"):
        keep("archive", f"folders.{kind}", packed(folders, kind))
    sheet = json.dumps({"labels": [["00000/a.png", 1], ["00000/b.png", 0]]}).encode()
    keep("archive", "stylegan.zip", packed([("00000/a.png", picture(1)), ("00000/b.png", picture(2)), ("dataset.json", sheet)], "zip"))
    samples = [(f"{i:04}.{kind}", content) for i in range(3) for kind, content in (("png", picture(9 * i)), ("cls", b"%d" % (i % 2)))]
    keep("archive", "samples.tar", packed(samples, "tar"))
    samples = [("a/1.png", picture(1)), ("a/1.json", b'{"label": "one"}'), ("a/2.png", picture(2)), ("a/2.json", b'{"label": 2}'), ("a/3.png", picture(3))]
    keep("archive", "described.tar.gz", packed(samples, "tar.gz"))
    keep("archive", "table.zip", packed([("set/images/1.png", picture(1)), ("set/images/2.png", picture(2)), ("set/labels.csv", b"id,dx\n1,nv\n2,mel\n")], "zip"))
    keep("labels", "numbers.json", b'{"labels": [["0/a.bmp", 10], ["0/b.bmp", 2], ["0/gone.bmp", 2]]}')
    keep("labels", "hot.json", b'{"labels": [["0/a.bmp", [0, 1.0]], ["0/b.bmp", [1, 0]], ["0/b.bmp", [1, 1]]]}')
    keep("labels", "none.json", b'{"labels": null}')


def image_sets():
    """As the library `datasets` writes them: images with their bytes, labels by number, names in the metadata."""
    images = [{"bytes": picture(40 * i), "path": f"{i}.png"} for i in range(4)]
    features = {"image": {"_type": "Image"}, "label": {"names": ["melanoma", "naevus"], "_type": "ClassLabel"}}
    hub = {"huggingface": json.dumps({"info": {"features": features}})}
    table = pyarrow.table({"image": images, "label": pyarrow.array([1, 0, 1, -1]), "patient_id": ["p1", "p1", "p2", "p2"]})
    for codec in ("snappy", "zstd", "none"):
        out = io.BytesIO()
        pyarrow.parquet.write_table(table.replace_schema_metadata(hub), out, compression=codec)
        keep("image_set", codec + ".parquet", out.getvalue())
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"img": [image["bytes"] for image in images], "dx": ["nv", "mel", "nv", None]}), out)
    keep("image_set", "plain.parquet", out.getvalue())


def traced():
    """PNGs with the texts that `gandle sample` writes, of the plain kind and of the kind for all scripts."""
    chunk = lambda kind, content: struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    end = chunk(b"IDAT", zlib.compress(b"\0\7")) + chunk(b"IEND", b"")
    texts = {"session": "x", "step": "6", "seed": "9", "truncation": "0.5", "class": "benign", "label": "1", "number": "2", "path": "~/runs/x", "run": "0" * 32}
    plain = b"".join(chunk(b"tEXt", f"{name}\0{text}".encode("latin1")) for name, text in texts.items())
    keep("traced", "image.png", head + plain + end)
    wide = [chunk(b"iTXt", name.encode() + b"\0" * 5 + text.encode()) for name, text in (("session", "x"), ("class", "\u7ec6\u80de"))]
    keep("traced", "wide.png", head + chunk(b"tEXt", b"step\x006") + b"".join(wide) + end)


if __name__ == "__main__":
    scans()
    later_scans()
    volumes()
    stacks()
    arrays()
    texts()
    archives()
    image_sets()
    traced()
