import { documented } from "./examples.ts";

documented({
  "abs()": [["print abs(-5), abs(-5s)", '[[5,"00:00:05"]]']],
  "bin()": [
    [
      "print bin(4.5, 1), bin(time(16d), 7d), bin(datetime(1970-05-11 13:45:07), 1d)",
      '[[4,"14.00:00:00","1970-05-11T00:00:00Z"]]',
    ],
  ],
  "bin_at()": [
    [
      "print bin_at(6.5, 2.5, 7), bin_at(time(1h), 1d, 12h), bin_at(datetime(2017-05-15 10:20:00.0), 1d, datetime(1970-01-01 12:00:00.0)), bin_at(datetime(2017-05-17 10:20:00.0), 7d, datetime(2017-06-04 00:00:00.0))",
      '[[4.5,"-12:00:00","2017-05-14T12:00:00Z","2017-05-14T00:00:00Z"]]',
    ],
    [
      `datatable(Date:datetime, NumOfEvents:int)[datetime(2018-02-24T15:14),3, datetime(2018-02-24T15:24),4, datetime(2018-02-23T16:14),4, datetime(2018-02-23T17:29),4, datetime(2018-02-26T15:14),5]
| summarize TotalEvents=sum(NumOfEvents) by bin_at(Date, 1d, datetime(2018-02-24 15:14:00.0000000))`,
      '[["2018-02-23T15:14:00Z",8],["2018-02-24T15:14:00Z",7],["2018-02-26T15:14:00Z",5]]',
    ],
  ],
  "binary functions": [
    ["print binary_and(6, 3), binary_or(4, 1), binary_xor(5, 1), binary_not(100)", "[[2,5,4,-101]]"],
    ["print binary_shift_left(1, 2), binary_shift_right(4, 2), bitset_count_ones(42)", "[[4,1,3]]"],
  ],
  "ceiling()": [["print c1 = ceiling(-1.1), c2 = ceiling(0), c3 = ceiling(0.9)", "[[-1,0,1]]"]],
  "exp()": [["print exp(0), exp10(2), exp2(3)", "[[1,100,8]]"]],
  "gamma()": [["print gamma(5), loggamma(5)", "[[24,3.1780538303479458]]"]],
  "isfinite()": [
    [
      "range x from -1 to 1 step 1 | project isfinite(1.0*x/0*0 + x), isinf(-1.0/0.0), isinf(1.0/0.0), isinf(0.0/0.0)",
      "[[false,true,true,false],[false,true,true,false],[false,true,true,false]]",
    ],
    ["print isfinite(1.0/0.0), isfinite(1.0), isnan(0.0/0.0), isnan(1.0/0.0)", "[[false,true,true,false]]"],
  ],
  "log()": [["print log(exp(1)), log2(8), log10(1000)", "[[1,3,3]]"]],
  "max_of()": [
    ["print result = max_of(10, 1, -3, 17), min_of(10, 1, -3, 17)", "[[17,-3]]"],
    [
      "datatable (A: int, B: int) [1, 6, 8, 1, int(null), 2, 1, int(null), int(null), int(null)] | project max_of(A, B), min_of(A, B)",
      "[[6,1],[8,1],[2,2],[1,1],[null,null]]",
    ],
  ],
  "not()": [["print not(false) == true", "[[true]]"]],
  "numerical operators": [
    [
      "print 1.0 / 2, 1 / 2.0, 1 / 2, real(1) / 2, 3.14 + 3.14, 1s * 5, 10m / 1s, 4 % 2",
      '[[0.5,0.5,0,0.5,6.28,"00:00:05",600,0]]',
    ],
    ["print plusPlus = 14 % 12, minusPlus = -14 % 12, plusMinus = 14 % -12, minusMinus = -14 % -12", "[[2,10,2,10]]"],
    ["print 1 < 10, 10s < 1h, 10min > 1s, 1 == 1, 1 != 0, 4 <= 5, 5 >= 4", "[[true,true,true,true,true,true,true]]"],
  ],
  "pow()": [["print result = pow(2, 3)", "[[8]]"]],
  "range operator": [
    ["range Steps from 1 to 8 step 3 | sort by Steps asc", "[[1],[4],[7]]"],
    ["range x from 1d to 2d step 12h | sort by x asc", '[["1.00:00:00"],["1.12:00:00"],["2.00:00:00"]]'],
  ],
  "round()": [
    [
      "print round(2.98765, 3), round(2.15, 1), round(2.15), round(-50.55, -2), round(21.5, -1)",
      "[[2.988,2.2,2,-100,20]]",
    ],
  ],
  "sign()": [["print s1 = sign(-42), s2 = sign(0), s3 = sign(11.2)", "[[-1,0,1]]"]],
  "sqrt()": [["print sqrt(4), isnan(sqrt(-1))", "[[2,true]]"]],
  "toint()": [
    [
      "print toint('123') == 123, tolong('123') == 123, toreal('123.4') == 123.4, todecimal('123.45678') == decimal(123.45678)",
      "[[true,true,true,true]]",
    ],
  ],
  "tobool()": [
    [
      "print tobool('true') == true, tobool('false') == false, tobool(1) == true, tobool(123) == true",
      "[[true,true,true,true]]",
    ],
  ],
  "toguid()": [["print toguid('70fc66f7-8279-44fc-9092-d364d70fce44')", '[["70fc66f7-8279-44fc-9092-d364d70fce44"]]']],
  "tostring()": [["print tostring(123), isempty(tostring(int(null)))", '[["123",true]]']],
  "todecimal()": [["print todecimal(4.00)", '[["4"]]']],
  "dynamic casts": [
    [
      "print tolong(dynamic(1)) + 1, toreal(dynamic(1.5)), tostring(dynamic('a')), tobool(dynamic(true))",
      '[[2,1.5,"a",true]]',
    ],
  ],
  "between operator": [
    ["range x from 1 to 10 step 1 | where x between (5 .. 7)", "[[5],[6],[7]]"],
    ["range x from 1 to 10 step 1 | where x !between (5 .. 9)", "[[1],[2],[3],[4],[10]]"],
  ],
  "null values": [
    [
      "datatable(val:int)[5, int(null)] | extend IsBiggerThan3 = val > 3 | extend IsBiggerThan3OrNull = val > 3 or isnull(val)",
      "[[5,true,true],[null,null,true]]",
    ],
    [
      "datatable(val:int)[5, int(null)] | extend Add = val + 10 | extend Multiply = val * 10",
      "[[5,15,50],[null,null,null]]",
    ],
    [
      "print bool(null), datetime(null), dynamic(null), guid(null), int(null), long(null), real(null), time(null)",
      "[[null,null,null,null,null,null,null,null]]",
    ],
  ],
  "iff()": [["print iff(3 > 2, 'yes', 'no'), iif(3 < 2, 'yes', 'no')", '[["yes","no"]]']],
  "case()": [
    [
      'range Size from 1 to 15 step 2 | project Size, bucket = case(Size <= 3, "Small", Size <= 10, "Medium", "Large")',
      '[[1,"Small"],[3,"Small"],[5,"Medium"],[7,"Medium"],[9,"Medium"],[11,"Large"],[13,"Large"],[15,"Large"]]',
    ],
  ],
  "coalesce()": [['print result=coalesce(tolong("not a number"), tolong("42"), 33)', "[[42]]"]],
  "degrees()": [
    ["print degrees0 = degrees(pi()/4), degrees1 = degrees(pi()*1.5), degrees2 = degrees(0)", "[[45,270,0]]"],
  ],
});
