//! Rust source as words, and the rooms that its paths lead to.

/// A word, `::`, a sign, or a text (which begins with `"`), and its line from 1. Comments and lifetimes are left out.
pub type Token = (usize, String);

/// What a source text consists of.
pub fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let (mut i, mut line, mut out) = (0, 1, Vec::new());
    while i < chars.len() {
        let (start, from) = (i, line);
        let c = chars[i];
        if c == '/' && at(i + 1) == '/' {
            while i < chars.len() && at(i) != '\n' {
                i += 1;
            }
        } else if c == '/' && at(i + 1) == '*' {
            let mut depth = 0;
            loop {
                match (at(i), at(i + 1)) {
                    ('/', '*') => (depth, i) = (depth + 1, i + 2),
                    ('*', '/') => (depth, i) = (depth - 1, i + 2),
                    _ => i += 1,
                }
                if depth == 0 || i >= chars.len() {
                    break;
                }
            }
        } else if let Some((end, content)) = literal(&chars, i) {
            i = end;
            out.push((from, format!("\"{content}")));
        } else if c == '\'' {
            // A sign in quotes, or a lifetime.
            if at(i + 1) == '\\' {
                i += 3;
                while i < chars.len() && at(i) != '\'' {
                    i += 1;
                }
                i += 1;
            } else if at(i + 2) == '\'' {
                i += 3;
            } else {
                i += 2;
                while at(i).is_alphanumeric() || at(i) == '_' {
                    i += 1;
                }
            }
        } else if c.is_alphanumeric() || c == '_' {
            while at(i).is_alphanumeric() || at(i) == '_' {
                i += 1;
            }
            out.push((from, chars[start..i].iter().collect()));
        } else if c == ':' && at(i + 1) == ':' {
            i += 2;
            out.push((from, "::".to_owned()));
        } else {
            i += 1;
            if !c.is_whitespace() {
                out.push((from, c.to_string()));
            }
        }
        line += chars[start..i.min(chars.len())].iter().filter(|c| **c == '\n').count();
    }
    out
}

/// Where the text that begins here ends, and what is in it: `"a"`, `b"a"`, `r#"a"#` and their kin.
fn literal(chars: &[char], start: usize) -> Option<(usize, String)> {
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut i = start;
    while i < start + 2 && matches!(at(i), 'b' | 'c' | 'r') {
        i += 1;
    }
    let raw = i > start && at(i - 1) == 'r';
    let hashes = (i..).take_while(|i| raw && at(*i) == '#').count();
    i += hashes;
    if at(i) != '"' {
        return None;
    }
    let from = i + 1;
    i = from;
    while i < chars.len() {
        if at(i) == '\\' && !raw {
            i += 1;
        } else if at(i) == '"' && (i + 1..=i + hashes).all(|i| at(i) == '#') {
            break;
        }
        i += 1;
    }
    let end = i.min(chars.len());
    Some((end + 1 + hashes, chars[from..end].iter().collect()))
}

/// Something that a file says of rooms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It names this room.
    Names(String),
    /// It hands on to others what is in this room: by `pub use`, by `pub type`, or in the body of a macro.
    HandsOn(String),
    /// It does what keeps the rooms that it names from being read.
    Hides(&'static str),
}

/// What a file says of rooms, with the lines. `module` is the file's own, such as `["ui", "queue"]`.
pub fn said(module: &[&str], text: &str) -> Vec<(usize, Said)> {
    let tokens = tokens(text);
    Reader { tokens: &tokens, module, blocks: Vec::new(), said: Vec::new() }.read()
}

/// What a pair of braces belongs to.
#[derive(Clone, Debug, PartialEq)]
enum Block {
    Module(String),
    Macro,
    Other,
}

struct Reader<'a> {
    tokens: &'a [Token],
    module: &'a [&'a str],
    blocks: Vec<Block>,
    said: Vec<(usize, Said)>,
}

impl Reader<'_> {
    fn read(mut self) -> Vec<(usize, Said)> {
        let mut shared = false;
        let mut attribute = 0;
        for i in 0..self.tokens.len() {
            let (line, word) = self.tokens[i].clone();
            match word.as_str() {
                "{" => self.blocks.push(self.opened(i)),
                "}" => _ = self.blocks.pop(),
                "[" if attribute > 0 || self.word(i, -1) == "#" || self.word(i, -2) == "#" => attribute += 1,
                "]" if attribute > 0 => attribute -= 1,
                ";" => shared = false,
                "use" | "type" => shared = self.is_shared(i),
                "path" if attribute > 0 && self.word(i, 1) == "=" => {
                    self.hides(line, "a module's file at another place")
                }
                "macro_use" | "macro_export" => self.hides(line, "a macro for every room"),
                "include" if self.word(i, 1) == "!" => self.hides(line, "code from another file"),
                "extern" if self.word(i, 1) == "crate" => self.hides(line, "a crate by another name"),
                "crate" | "super" | "self" if self.word(i, -1) != "::" => {
                    let start = self.word(i, 1) == "::" || (word != "self" && self.word(i, 1) == "as");
                    if start && self.in_macro() && word != "crate" {
                        self.hides(line, "a path that depends on where a macro is used");
                    } else if start {
                        let shared = shared || self.in_macro();
                        self.tree(i, &mut self.here(), true, shared);
                    }
                }
                // `#[serde(with = "super::text")]`
                text if attribute > 0 && text.starts_with('"') => {
                    let inner = tokens(&text[1..]);
                    let here = self.here();
                    let here: Vec<&str> = here.iter().map(String::as_str).collect();
                    let reader = Reader { tokens: &inner, module: &here, blocks: Vec::new(), said: Vec::new() };
                    self.said.extend(reader.read().into_iter().map(|(_, said)| (line, said)));
                }
                _ => {}
            }
        }
        self.said
    }

    fn word(&self, i: usize, by: isize) -> &str {
        i.checked_add_signed(by).and_then(|i| self.tokens.get(i)).map_or("", |(_, word)| word)
    }

    fn hides(&mut self, line: usize, what: &'static str) {
        self.said.push((line, Said::Hides(what)));
    }

    fn in_macro(&self) -> bool {
        self.blocks.contains(&Block::Macro)
    }

    /// The module that is being read.
    fn here(&self) -> Vec<String> {
        let inner = self.blocks.iter().filter_map(|block| match block {
            Block::Module(name) => Some(name.clone()),
            Block::Macro | Block::Other => None,
        });
        self.module.iter().map(|name| (*name).to_owned()).chain(inner).collect()
    }

    /// What the brace at `i` belongs to.
    fn opened(&self, i: usize) -> Block {
        if self.word(i, -2) == "mod" {
            Block::Module(self.word(i, -1).to_owned())
        } else if self.word(i, -3) == "macro_rules" {
            Block::Macro
        } else {
            Block::Other
        }
    }

    /// Whether the `use` or `type` at `i` is for other rooms too.
    fn is_shared(&self, i: usize) -> bool {
        if self.word(i, -1) == "pub" {
            return true;
        }
        // `pub(crate)`, `pub(super)` and `pub(in path)`: what `super` is in a room's own module is the whole crate.
        let start = (0..i).rev().take(12).find(|i| self.word(*i, 0) == "pub");
        let Some(start) = start.filter(|start| self.word(*start, 1) == "(" && self.word(i, -1) == ")") else {
            return false;
        };
        match self.word(start, 2) {
            "self" => false,
            "super" => self.here().len() < 2,
            _ => true,
        }
    }

    /// Reads a path from the token at `i` on, in the module `at`, and returns where it ends. `first` is its first word.
    fn tree(&mut self, mut i: usize, at: &mut Vec<String>, first: bool, shared: bool) -> usize {
        let (line, word) = self.tokens.get(i).cloned().unwrap_or_default();
        let more = self.word(i, 1) == "::";
        match word.as_str() {
            "{" => {
                i += 1;
                while i < self.tokens.len() && self.word(i, 0) != "}" {
                    i = self.tree(i, &mut at.clone(), false, shared);
                    i += usize::from(self.word(i, 0) == ",");
                }
                return i + 1;
            }
            "crate" | "super" | "self" if first || word == "super" || (word == "self" && more) => {
                match word.as_str() {
                    "crate" => at.clear(),
                    "super" => _ = at.pop(),
                    _ => {}
                }
                if more {
                    return self.tree(i + 2, at, false, shared);
                }
                if at.is_empty() {
                    self.hides(line, "the whole crate by another name");
                }
            }
            "*" | "self" | "$" if at.is_empty() => {
                self.hides(line, "the whole crate at once, or a room that a macro names")
            }
            room if at.is_empty() => {
                let room = room.to_owned();
                self.said.push((line, if shared { Said::HandsOn(room) } else { Said::Names(room) }));
            }
            _ => {}
        }
        // To the end of this branch, where it is one of a list.
        let mut depth = 0;
        while i < self.tokens.len() {
            match self.word(i, 0) {
                "{" => depth += 1,
                "}" if depth == 0 => break,
                "}" => depth -= 1,
                "," | ";" if depth == 0 => break,
                _ => {}
            }
            i += 1;
        }
        i
    }
}
