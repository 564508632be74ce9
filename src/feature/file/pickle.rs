//! The part of Python's pickle format that PyTorch's files of tensors are written in.
//!
//! Nothing is called or imported: a pickle becomes a list of plain objects that name each other by their place in it, so
//! that what a hostile file can do is bounded by its length.

use std::collections::HashMap;

/// The place of an object in its [`Pickle`].
pub(super) type Id = usize;

/// What a pickle is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Object {
    Nothing,
    Whole(i64),
    Text(String),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    /// Keys and values, in the order written.
    Dict(Vec<(Id, Id)>),
    /// `module.name`
    Class(String),
    /// What Python would make by calling a class or function.
    Call {
        class: Id,
        arguments: Id,
    },
    /// What lies outside the pickle, under this name.
    Outside(Id),
    /// What no tensor is described with, such as a float.
    Other,
}

/// The most objects of a pickle: a network of ten thousand tensors takes some two hundred thousand.
const MOST_OBJECTS: usize = 1 << 21;

/// A whole pickle.
#[derive(Debug)]
pub(super) struct Pickle {
    objects: Vec<Object>,
    /// What was pickled.
    top: Id,
    /// Bytes that it took.
    pub length: usize,
}

impl Pickle {
    /// Reads a pickle at the beginning of some bytes.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut machine = Machine {
            bytes,
            at: 0,
            objects: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            taken_over: 0,
        };
        while !machine.step()? {
            if machine.objects.len() > MOST_OBJECTS {
                return Err(format!("its description has more than {MOST_OBJECTS} parts; no network's has"));
            }
        }
        let top = machine.pop()?;
        Ok(Self { objects: machine.objects, top, length: machine.at })
    }

    /// What was pickled.
    pub fn top(&self) -> &Object {
        self.at(self.top)
    }

    /// The names of everything that lies outside.
    pub fn outside(&self) -> impl Iterator<Item = Id> + '_ {
        self.objects.iter().filter_map(|object| if let Object::Outside(name) = object { Some(*name) } else { None })
    }

    /// The object in a place.
    pub fn at(&self, id: Id) -> &Object {
        &self.objects[id]
    }

    /// The text in a place.
    pub fn text(&self, id: Id) -> Option<&str> {
        if let Object::Text(text) = self.at(id) { Some(text) } else { None }
    }

    /// The number in a place, where it is a size.
    pub fn size(&self, id: Id) -> Option<usize> {
        if let Object::Whole(number) = self.at(id) { usize::try_from(*number).ok() } else { None }
    }

    /// The members of a tuple or list in a place.
    pub fn members(&self, id: Id) -> Option<&[Id]> {
        if let Object::Tuple(members) | Object::List(members) = self.at(id) { Some(members) } else { None }
    }

    /// The name of the class in a place.
    pub fn class(&self, id: Id) -> Option<&str> {
        if let Object::Class(name) = self.at(id) { Some(name) } else { None }
    }
}

/// Carries out a pickle's instructions. Each makes at most one object.
struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    objects: Vec<Object>,
    stack: Vec<Id>,
    /// Heights of the stack at the marks that are open.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
    /// Pairs that dictionaries have taken over from lists.
    taken_over: usize,
}

impl<'a> Machine<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some((taken, _)) = rest.split_at_checked(count) else {
            return Err("its description of the tensors breaks off".to_owned());
        };
        self.at += count;
        Ok(taken)
    }

    /// A number of `count` bytes, the lowest first.
    fn number(&mut self, count: usize) -> Result<u32, String> {
        Ok(self.take(count)?.iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
    }

    fn line(&mut self) -> Result<String, String> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let line = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.take(1)?;
        Ok(line)
    }

    fn push(&mut self, object: Object) {
        self.stack.push(self.objects.len());
        self.objects.push(object);
    }

    fn pop(&mut self) -> Result<Id, String> {
        let lowest = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= lowest {
            return Err(ODD.to_owned());
        }
        self.stack.pop().ok_or_else(|| ODD.to_owned())
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, String> {
        let from = self.marks.pop().ok_or(ODD)?;
        Ok(self.stack.split_off(from.min(self.stack.len())))
    }

    fn tuple(&mut self, count: usize) -> Result<(), String> {
        let mut members = (0..count).map(|_| self.pop()).collect::<Result<Vec<Id>, String>>()?;
        members.reverse();
        self.push(Object::Tuple(members));
        Ok(())
    }

    fn text(&mut self, length: usize) -> Result<(), String> {
        let text = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.push(Object::Text(text));
        Ok(())
    }

    /// Members for the dictionary that is now on top of the stack.
    fn set_items(&mut self, items: &[Id]) -> Result<(), String> {
        let dict = *self.stack.last().ok_or(ODD)?;
        let Object::Dict(members) = &mut self.objects[dict] else { return Err(ODD.to_owned()) };
        members.extend(items.as_chunks::<2>().0.iter().map(|[key, value]| (*key, *value)));
        Ok(())
    }

    fn append(&mut self, items: &[Id]) -> Result<(), String> {
        let list = *self.stack.last().ok_or(ODD)?;
        let Object::List(members) = &mut self.objects[list] else { return Err(ODD.to_owned()) };
        members.extend_from_slice(items);
        Ok(())
    }

    fn call(&mut self) -> Result<(), String> {
        let (arguments, class) = (self.pop()?, self.pop()?);
        let ordered = matches!(&self.objects[class], Object::Class(name) if name == "collections.OrderedDict");
        let call = if ordered { self.ordered(arguments) } else { Object::Call { class, arguments } };
        if let Object::Dict(members) = &call {
            // A list that is named again and again would let a small file ask for any amount of memory.
            self.taken_over += members.len();
            if self.taken_over > self.bytes.len() {
                return Err(ODD.to_owned());
            }
        }
        self.push(call);
        Ok(())
    }

    /// An ordered dictionary: empty, or, as Python 2 wrote it, with a list of pairs.
    fn ordered(&self, arguments: Id) -> Object {
        let members = |id: &Id| {
            let object = &self.objects[*id];
            if let Object::Tuple(members) | Object::List(members) = object { members.as_slice() } else { &[] }
        };
        let pairs = members(&arguments).first().map_or(&[][..], members);
        Object::Dict(pairs.iter().filter_map(|pair| <[Id; 2]>::try_from(members(pair)).ok()).map(Into::into).collect())
    }

    fn remember(&mut self, place: u32) -> Result<(), String> {
        let top = *self.stack.last().ok_or(ODD)?;
        self.memo.insert(place, top);
        Ok(())
    }

    fn recall(&mut self, place: u32) -> Result<(), String> {
        self.stack.push(*self.memo.get(&place).ok_or(ODD)?);
        Ok(())
    }

    /// Carries out the next instruction; true where it was the last.
    fn step(&mut self) -> Result<bool, String> {
        match self.take(1)?[0] {
            b'.' => return Ok(true),
            0x80 => drop(self.take(1)?), // the version
            b'(' => self.marks.push(self.stack.len()),
            b'N' => self.push(Object::Nothing),
            0x88 | 0x89 => self.push(Object::Other),
            b'G' => {
                self.take(8)?;
                self.push(Object::Other);
            }
            b')' => self.push(Object::Tuple(Vec::new())),
            b']' => self.push(Object::List(Vec::new())),
            b'}' => self.push(Object::Dict(Vec::new())),
            0x85 => self.tuple(1)?,
            0x86 => self.tuple(2)?,
            0x87 => self.tuple(3)?,
            b't' => {
                let members = self.pop_to_mark()?;
                self.push(Object::Tuple(members));
            }
            b'a' => {
                let item = self.pop()?;
                self.append(&[item])?;
            }
            b'e' => {
                let items = self.pop_to_mark()?;
                self.append(&items)?;
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set_items(&[key, value])?;
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.set_items(&items)?;
            }
            b'R' | 0x81 => self.call()?,
            // Attributes of an object say nothing of its tensors.
            b'b' => drop(self.pop()?),
            b'Q' => {
                let name = self.pop()?;
                self.push(Object::Outside(name));
            }
            code => self.leaf(code)?,
        }
        Ok(false)
    }

    /// Instructions that bring in a number, a name or an object from before.
    fn leaf(&mut self, code: u8) -> Result<(), String> {
        match code {
            b'K' => {
                let number = self.number(1)?;
                self.push(Object::Whole(number.into()));
            }
            b'M' => {
                let number = self.number(2)?;
                self.push(Object::Whole(number.into()));
            }
            b'J' => {
                let number = self.number(4)?;
                self.push(Object::Whole(number.cast_signed().into()));
            }
            0x8a => {
                let length = self.number(1)? as usize;
                let bytes = self.take(length)?;
                let object = if length > 8 { Object::Other } else { Object::Whole(signed(bytes)) };
                self.push(object);
            }
            b'X' | b'T' => {
                let length = self.number(4)? as usize;
                self.text(length)?;
            }
            b'U' => {
                let length = self.number(1)? as usize;
                self.text(length)?;
            }
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Object::Class(format!("{module}.{name}")));
            }
            b'q' | b'r' => {
                let place = self.number(if code == b'q' { 1 } else { 4 })?;
                self.remember(place)?;
            }
            b'h' | b'j' => {
                let place = self.number(if code == b'h' { 1 } else { 4 })?;
                self.recall(place)?;
            }
            code => {
                return Err(format!(
                    "its description of the tensors has an instruction ({code:#04x}) that torch.save does not write"
                ));
            }
        }
        Ok(())
    }
}

const ODD: &str = "its description of the tensors makes no sense";

/// A number in two's complement, the lowest byte first.
fn signed(bytes: &[u8]) -> i64 {
    let fill = if bytes.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
    let mut whole = [fill; 8];
    for (to, byte) in whole.iter_mut().zip(bytes) {
        *to = *byte;
    }
    i64::from_le_bytes(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dictionary_of_numbers_and_texts_is_read() {
        // pickle.dumps({"a": (1, -2, 300), "b": [None, "x"]}, protocol=2)
        let bytes = b"\x80\x02}q\x00(X\x01\x00\x00\x00aq\x01K\x01J\xfe\xff\xff\xffM,\x01\x87q\x02X\x01\x00\x00\x00bq\x03]q\x04(NX\x01\x00\x00\x00xq\x05eu.rest";
        let pickle = Pickle::read(bytes).unwrap();
        assert_eq!(pickle.length, bytes.len() - 4);
        let Object::Dict(members) = pickle.top() else { panic!("{:?}", pickle.top()) };
        let [(a, numbers), (b, list)] = members.as_slice() else { panic!("{members:?}") };
        assert_eq!((pickle.text(*a), pickle.text(*b)), (Some("a"), Some("b")));
        let numbers = pickle.members(*numbers).unwrap().iter().map(|id| pickle.at(*id).clone()).collect::<Vec<_>>();
        assert_eq!(numbers, [1, -2, 300].map(Object::Whole));
        let list = pickle.members(*list).unwrap();
        assert_eq!((pickle.at(list[0]), pickle.text(list[1])), (&Object::Nothing, Some("x")));
    }

    #[test]
    fn broken_pickles_are_errors() {
        for bytes in [
            &b""[..],
            b"}",
            b"}u.",
            b"(u.",
            b"K",
            b"X\xff\xff\xff\xff",
            b".",
            b"h\x07.",
            b"\x85.",
            b"(K\x01R.",
            b"S'x'\n.",
        ] {
            assert!(Pickle::read(bytes).is_err(), "{bytes:?}");
        }
        // Deep nesting must not exhaust the stack of whoever drops it.
        let deep = [&b")"[..], &vec![0x85; 1 << 20], b"."].concat();
        assert_eq!(Pickle::read(&deep).map(|pickle| pickle.length), Ok(deep.len()));
        let many = [&vec![b']'; MOST_OBJECTS + 1][..], b"."].concat();
        assert!(Pickle::read(&many).unwrap_err().contains("more than"));
        // 200 doublings of one tuple stay 200 objects.
        let doubling = [&b")"[..], &b"q\x00h\x00\x86".repeat(200), b"."].concat();
        assert_eq!(Pickle::read(&doubling).map(|pickle| pickle.objects.len()), Ok(201));
        // A thousand dictionaries of one list of a thousand pairs would be a million pairs.
        let class = b"ccollections\nOrderedDict\nq\x01";
        let pairs = [&b"](K\x01K\x02\x86q\x02"[..], &b"h\x02".repeat(999), b"e\x85q\x03"].concat();
        let dictionaries = |count| [&class[..], &pairs, &b"h\x01h\x03R".repeat(count), b"."].concat();
        assert!(Pickle::read(&dictionaries(1)).is_ok() && Pickle::read(&dictionaries(1000)).is_err());
    }

    #[test]
    fn long_numbers_are_signed() {
        assert_eq!(
            [&[][..], &[0xff], &[0, 1], &[0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20]].map(signed),
            [0, -1, 256, 0x20f9_469c_fc6c]
        );
    }
}
