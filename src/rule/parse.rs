//! Tokens → tree, by recursive descent. The grammar:
//!
//! ```text
//! rule    = any
//! any     = all { "or" all }
//! all     = part { "and" part }
//! part    = "not" part | "(" any ")" | term
//! term    = field
//!         | field ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) operand
//!         | field "in" "{" operand { "," operand } [ "," ] "}"
//!         | field "between" operand "and" operand
//!         | field ( "starts_with" | "contains" ) operand
//! operand = word | integer | ratio | duration | string | "true" | "false"
//! field   = word
//! ```

use std::ops::Range;

use crate::rule::error::Fault;
use crate::rule::lex::{Kind, Literal, Op, Token};

/// Deepest nesting of parentheses and `not`.
pub(super) const DEPTH_MAX: usize = 32;

/// A condition as written.
#[derive(Debug)]
pub(super) enum Tree<'t> {
    Any(Vec<Tree<'t>>),
    All(Vec<Tree<'t>>),
    Not(Box<Tree<'t>>),
    Term(Term<'t>),
}

/// One field held against something.
#[derive(Debug)]
pub(super) struct Term<'t> {
    pub field: Operand<'t>,
    pub test: Test<'t>,
}

/// What a field is held against.
#[derive(Debug)]
pub(super) enum Test<'t> {
    /// Nothing: the field itself is the condition.
    Bare,
    Compare(Op, Operand<'t>),
    In(Vec<Operand<'t>>),
    Between(Operand<'t>, Operand<'t>),
    StartsWith(Operand<'t>),
    Contains(Operand<'t>),
}

/// A word or a literal.
#[derive(Clone, Debug)]
pub(super) struct Operand<'t> {
    /// None for a word.
    pub literal: Option<Literal<'t>>,
    pub text: &'t str,
    pub span: Range<usize>,
}

/// Reads a whole condition. `tokens` end with [`Kind::End`].
pub(super) fn parse<'t>(tokens: &[Token<'t>]) -> Result<Tree<'t>, Fault> {
    let mut parser = Parser { tokens, at: 0, depth: 0 };
    if parser.kind() == Kind::End {
        return Err(Fault::new(parser.token().span.clone(), "there is no condition"));
    }
    let tree = parser.any()?;
    match parser.kind() {
        Kind::End => Ok(tree),
        Kind::Not => {
            Err(parser.unexpected("`and`, `or` or the end").with_help("`not` stands before the field"))
        }
        _ => Err(parser.unexpected("`and`, `or` or the end")),
    }
}

struct Parser<'p, 't> {
    tokens: &'p [Token<'t>],
    at: usize,
    depth: usize,
}

impl<'p, 't> Parser<'p, 't> {
    fn any(&mut self) -> Result<Tree<'t>, Fault> {
        let first = self.all()?;
        if self.kind() != Kind::Or {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.took(Kind::Or) {
            parts.push(self.all()?);
        }
        Ok(Tree::Any(parts))
    }

    fn all(&mut self) -> Result<Tree<'t>, Fault> {
        let first = self.part()?;
        if self.kind() != Kind::And {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.took(Kind::And) {
            parts.push(self.part()?);
        }
        Ok(Tree::All(parts))
    }

    fn part(&mut self) -> Result<Tree<'t>, Fault> {
        let start = self.token().span.clone();
        if !matches!(self.kind(), Kind::Not | Kind::Open) {
            return self.term().map(Tree::Term);
        }
        if self.depth == DEPTH_MAX {
            return Err(Fault::new(start, format!("nested deeper than {DEPTH_MAX}")));
        }
        self.depth += 1;
        let tree =
            if self.took(Kind::Not) { Tree::Not(Box::new(self.part()?)) } else { self.parentheses(start)? };
        self.depth -= 1;
        Ok(tree)
    }

    fn parentheses(&mut self, start: Range<usize>) -> Result<Tree<'t>, Fault> {
        self.at += 1;
        let tree = self.any()?;
        match self.kind() {
            Kind::Close => {
                self.at += 1;
                Ok(tree)
            }
            Kind::End => Err(Fault::new(start, "this `(` is never closed")),
            _ => Err(self.unexpected("`and`, `or` or `)`")),
        }
    }

    fn term(&mut self) -> Result<Term<'t>, Fault> {
        match self.kind() {
            Kind::Word => {}
            Kind::Literal(_) => {
                return Err(self.unexpected("a field").with_help("a comparison begins with the field"));
            }
            _ => return Err(self.unexpected("a field")),
        }
        let field = self.operand()?;
        let test = match self.kind() {
            Kind::Op(op) => {
                self.at += 1;
                Test::Compare(op, self.operand()?)
            }
            Kind::In => Test::In(self.set()?),
            Kind::Between => self.between()?,
            Kind::StartsWith => {
                self.at += 1;
                Test::StartsWith(self.operand()?)
            }
            Kind::Contains => {
                self.at += 1;
                Test::Contains(self.operand()?)
            }
            _ => Test::Bare,
        };
        Ok(Term { field, test })
    }

    fn between(&mut self) -> Result<Test<'t>, Fault> {
        self.at += 1;
        let low = self.operand()?;
        if !self.took(Kind::And) {
            return Err(self.unexpected("`and` with the upper bound"));
        }
        Ok(Test::Between(low, self.operand()?))
    }

    fn set(&mut self) -> Result<Vec<Operand<'t>>, Fault> {
        self.at += 1;
        if !self.took(Kind::OpenSet) {
            return Err(self.unexpected("`{`"));
        }
        let mut items = vec![self.operand()?];
        loop {
            let comma = self.took(Kind::Comma);
            if self.took(Kind::CloseSet) {
                return Ok(items);
            }
            if !comma {
                return Err(self.unexpected("`,` or `}`"));
            }
            items.push(self.operand()?);
        }
    }

    fn operand(&mut self) -> Result<Operand<'t>, Fault> {
        let literal = match self.kind() {
            Kind::Word => None,
            Kind::Literal(literal) => Some(literal),
            _ => return Err(self.unexpected("a value")),
        };
        let token = self.token();
        let operand = Operand { literal, text: token.text, span: token.span.clone() };
        self.at += 1;
        Ok(operand)
    }

    /// The token in turn. The last one is never passed: only an `End` stands there, and nothing takes an `End`.
    fn token(&self) -> &'p Token<'t> {
        &self.tokens[self.at]
    }

    fn kind(&self) -> Kind<'t> {
        self.token().kind
    }

    fn took(&mut self, kind: Kind<'t>) -> bool {
        let taken = self.kind() == kind;
        self.at += usize::from(taken);
        taken
    }

    fn unexpected(&self, expected: &str) -> Fault {
        let token = self.token();
        match token.kind {
            Kind::End => Fault::new(token.span.clone(), format!("expected {expected}, the text ends here")),
            _ => Fault::new(token.span.clone(), format!("expected {expected}, found `{}`", token.text)),
        }
    }
}
