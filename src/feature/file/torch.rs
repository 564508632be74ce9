//! The tensors that PyTorch's two file formats name: the zip format of today, and the one before PyTorch 1.6, which many
//! published weights still have.

use std::collections::BTreeMap;
use std::fs::File;

use super::pickle::{Id, Object, Pickle};
use super::tensor::{Kind, MOST_AXES, Tensor, short};
use super::zip::{Place, bytes_at, entries};

/// The most bytes that the description of the tensors may take: a network of ten thousand takes some two million.
const MOST_DESCRIPTION: u64 = 16 << 20;

/// What a file of the old format begins with: a pickle of one number.
pub(super) const OLD_BEGINNING: &[u8] = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";

/// What holds the numbers of one or more tensors.
struct Storage<'a> {
    name: &'a str,
    kind: Kind,
    numbers: usize,
}

/// A tensor as the pickle describes it, before anybody knows where its numbers lie. Names are not copied: a few bytes of a
/// pickle name a text of any length once more.
struct Described<'a> {
    name: &'a str,
    storage: Storage<'a>,
    shape: Vec<usize>,
    strides: Vec<usize>,
    offset: usize,
}

impl Described<'_> {
    /// With the place of its storage, beyond the end of which nothing is believed.
    fn placed(self, place: Option<&Place>) -> Result<Tensor, String> {
        let Self { name, storage: Storage { kind, numbers, .. }, shape, strides, offset } = self;
        let Some(place) = place else { return Err(format!("the numbers of {} are missing", short(name))) };
        if bytes_of(numbers, kind).is_none_or(|bytes| bytes > place.length) {
            return Err(format!("{} should have {numbers} numbers, more than the file holds for it", short(name)));
        }
        Ok(Tensor { kind, shape, strides, offset, held: numbers, start: place.start })
    }
}

/// All tensors by name, each with the place of its storage.
fn placed<'a>(
    tensors: Vec<Described<'_>>,
    place: impl Fn(&str) -> Option<&'a Place>,
) -> Result<BTreeMap<String, Tensor>, String> {
    let mut all = BTreeMap::new();
    for tensor in tensors {
        let (name, place) = (tensor.name, place(tensor.storage.name));
        if all.contains_key(name) {
            return Err(format!("it names {} twice", short(name)));
        }
        all.insert(name.to_owned(), tensor.placed(place)?);
    }
    Ok(all)
}

fn bytes_of(numbers: usize, kind: Kind) -> Option<u64> {
    u64::try_from(numbers).ok()?.checked_mul(kind.bytes())
}

/// The tensors of a file in the zip format, of `length` bytes.
pub(super) fn from_zip(file: &mut File, length: u64) -> Result<BTreeMap<String, Tensor>, String> {
    let entries = entries(file, length)?;
    let description = |(name, _): &(&String, &Place)| *name == "data.pkl" || name.ends_with("/data.pkl");
    let Some((name, place)) = entries.iter().find(description) else {
        return Err("it is a zip file, but not one that torch.save wrote (data.pkl is missing)".to_owned());
    };
    let folder = name.strip_suffix("data.pkl").unwrap_or_default();
    let mut content = |place: &Place| {
        if place.length > MOST_DESCRIPTION {
            return Err("its description of the tensors is too long".to_owned());
        }
        bytes_at(file, place.start, place.length as usize).map_err(|err| err.to_string())
    };
    if let Some(place) = entries.get(&format!("{folder}byteorder"))
        && content(place)? != b"little"
    {
        return Err("it was written on a machine with another order of bytes; save it again on this one".to_owned());
    }
    let pickle = Pickle::read(&content(place)?)?;
    placed(described(&pickle)?, |storage| entries.get(&format!("{folder}data/{storage}")))
}

/// The tensors of a file in the format before PyTorch 1.6: five pickles, then each storage behind its count of numbers.
pub(super) fn from_old(file: &mut File, length: u64) -> Result<BTreeMap<String, Tensor>, String> {
    let head = bytes_at(file, 0, length.min(MOST_DESCRIPTION) as usize).map_err(|err| err.to_string())?;
    let mut at = OLD_BEGINNING.len();
    let mut next = || {
        let pickle = Pickle::read(head.get(at..).unwrap_or_default())?;
        at += pickle.length;
        Ok::<_, String>(pickle)
    };
    let (_version, _system, pickle, order) = (next()?, next()?, next()?, next()?);
    let tensors = described(&pickle)?;
    let Object::List(order_of_storages) = order.top() else {
        return Err("the list of where its numbers lie is missing".to_owned());
    };
    let storages = pickle.outside().filter_map(|id| storage(&pickle, id).ok());
    let kinds: BTreeMap<&str, Kind> = storages.map(|storage| (storage.name, storage.kind)).collect();
    let mut places = BTreeMap::new();
    let mut from = at as u64;
    for id in order_of_storages {
        let name = order.text(*id).unwrap_or_default();
        let kind = *kinds.get(name).ok_or_else(|| format!("nobody says what numbers `{}` holds", short(name)))?;
        if from.checked_add(8).is_none_or(|end| end > length) {
            return Err(ENDS.to_owned());
        }
        let count = bytes_at(file, from, 8).map_err(|err| err.to_string())?;
        let count = count.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let place = Place { start: from + 8, length: count.checked_mul(kind.bytes()).ok_or(ENDS)? };
        from = place.start.checked_add(place.length).filter(|end| *end <= length).ok_or(ENDS)?;
        places.insert(name, place);
    }
    placed(tensors, |storage| places.get(storage))
}

const ENDS: &str = "it ends in the middle of its numbers; copy or download it again";

/// Every tensor of the dictionary that was saved, or of `state_dict` in it, where training programs keep the weights.
fn described(pickle: &Pickle) -> Result<Vec<Described<'_>>, String> {
    let Object::Dict(members) = pickle.top() else {
        return Err("it holds no dictionary of tensors; save `model.state_dict()`, not the model".to_owned());
    };
    let mut members = members;
    let inner = members.iter().find(|(name, _)| pickle.text(*name) == Some("state_dict"));
    if let Some(Object::Dict(inner)) = inner.map(|(_, value)| pickle.at(*value)) {
        members = inner;
    }
    let mut tensors = Vec::new();
    for (name, value) in members {
        let Some(name) = pickle.text(*name) else { continue };
        let Some(arguments) = tensor(pickle, *value) else { continue };
        let Some(described) = parts(pickle, name, arguments) else {
            return Err(format!("{} is described in a way that torch.save does not use", short(name)));
        };
        tensors.push(described.map_err(|reason| format!("{}: {reason}", short(name)))?);
    }
    Ok(tensors)
}

/// The arguments from which PyTorch would build the tensor in a place; nothing where something else is there.
fn tensor(pickle: &Pickle, mut id: Id) -> Option<&[Id]> {
    // A parameter of a class of its own is a tensor in two wrappings.
    for _ in 0..4 {
        let Object::Call { class, arguments } = pickle.at(id) else { return None };
        let arguments = pickle.members(*arguments)?;
        match pickle.class(*class)? {
            "torch._utils._rebuild_tensor_v2" | "torch._utils._rebuild_tensor" => return Some(arguments),
            "torch._utils._rebuild_parameter" | "torch.nn.parameter.Parameter" => id = *arguments.first()?,
            "torch._tensor._rebuild_from_type_v2" => return pickle.members(*arguments.get(2)?),
            _ => return None,
        }
    }
    None
}

/// A tensor from its storage, offset, shape and strides, which come first; nothing where they are none.
fn parts<'a>(pickle: &'a Pickle, name: &'a str, arguments: &[Id]) -> Option<Result<Described<'a>, String>> {
    let [outside, offset, shape, strides, ..] = arguments else { return None };
    let Object::Outside(id) = pickle.at(*outside) else { return None };
    // One list of sizes may be that of many tensors.
    let few = |id: Id| pickle.members(id).filter(|sizes| sizes.len() <= MOST_AXES);
    let sizes = |id: Id| few(id)?.iter().map(|id| pickle.size(*id)).collect::<Option<Vec<usize>>>();
    let (offset, shape, strides) = (pickle.size(*offset)?, sizes(*shape)?, sizes(*strides)?);
    if shape.len() != strides.len() {
        return None;
    }
    Some(storage(pickle, *id).map(|storage| Described { name, storage, shape, strides, offset }))
}

/// `("storage", class, name, device, numbers)`, and in the old format what it is a part of, if anything.
fn storage(pickle: &Pickle, id: Id) -> Result<Storage<'_>, String> {
    let odd = || "where its numbers lie is not said as torch.save says it".to_owned();
    let Some([_, class, name, _, numbers, part @ ..]) = pickle.members(id) else { return Err(odd()) };
    if part.first().is_some_and(|part| *pickle.at(*part) != Object::Nothing) {
        return Err("its numbers are a part of other tensors'; save `tensor.clone()` of it".to_owned());
    }
    let class = pickle.class(*class).ok_or_else(odd)?;
    let kind = match class.rsplit('.').next().unwrap_or_default() {
        "FloatStorage" => Kind::F32,
        "DoubleStorage" => Kind::F64,
        "HalfStorage" => Kind::F16,
        "BFloat16Storage" => Kind::BF16,
        "LongStorage" => Kind::Whole(8),
        "IntStorage" => Kind::Whole(4),
        "ShortStorage" => Kind::Whole(2),
        "ByteStorage" | "CharStorage" | "BoolStorage" => Kind::Whole(1),
        _ => return Err(format!("numbers of the kind {} are not read", short(class))),
    };
    let (name, numbers) = (pickle.text(*name).ok_or_else(odd)?, pickle.size(*numbers).ok_or_else(odd)?);
    Ok(Storage { name, kind, numbers })
}
