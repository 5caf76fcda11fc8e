import { documented } from "./examples.ts";

const left = "let X = datatable(Key:string, Value1:long)['a',1, 'b',2, 'b',3, 'c',4];";
const right = "let Y = datatable(Key:string, Value2:long)['b',10, 'c',20, 'c',30, 'd',40];";
const sides = `${left} ${right}`;

const line = (total: string, slice: string, lock: string, release: string, previous: string) =>
  `"Event: NotifySliceRelease (resourceName=PipelineScheduler, totalSlices=${total}, sliceNumber=${slice}, lockTime=02/17/2016 ${lock}, releaseTime=${release}, previousLockTime=02/17/2016 ${previous})"`;
const traces = `let Traces = datatable(EventText: string) [${[
  line("27", "23", "08:40:01", "02/17/2016 08:40:01", "08:39:01"),
  line("27", "15", "08:40:00", "02/17/2016 08:40:00", "08:39:00"),
  line("27", "20", "08:40:01", "02/17/2016 08:40:01", "08:39:01"),
].join(", ")}];`;
const relaxed = `let Traces = datatable(EventText: string) [${[
  line("27", "23", "08:40:01", "nonValidDateTime 08:40:01", "08:39:01"),
  line("27", "15", "08:40:00", "nonValidDateTime", "08:39:00"),
  line("nonValidLongValue", "20", "08:40:01", "nonValidDateTime 08:40:01", "08:39:01"),
  line("27", "22", "08:41:01", "02/17/2016 08:41:00", "08:40:01"),
  line("nonValidLongValue", "16", "08:41:00", "02/17/2016 08:41:00", "08:40:00"),
].join(", ")}];`;
const broken = `let Traces = datatable(EventText: string) [${[
  line("27", "invalid_number", "08:40:01", "02/17/2016 08:40:01", "08:39:01"),
  line("27", "15", "08:40:00", "invalid_datetime", "08:39:00"),
  line("27", "20", "08:40:01", "02/17/2016 08:40:01", "08:39:01"),
  line("27", "22", "08:41:01", "02/17/2016 08:41:00", "08:40:01"),
  line("invalid_number", "16", "08:41:00", "02/17/2016 08:41:00", "08:40:00"),
].join(", ")}];`;
const wholePattern = `* "resourceName=" resourceName ", totalSlices=" totalSlices: long * "sliceNumber=" sliceNumber: long * "lockTime=" lockTime ", releaseTime=" releaseTime: date "," * "previousLockTime=" previousLockTime: date ")" *`;
const upper = `let Traces = datatable(EventText: string) [${[
  line("non_valid_integer", "11", "08:40:01", "02/17/2016 08:40:01", "08:39:01"),
  line("27", "15", "08:40:00", "02/17/2016 08:40:00", "08:39:00"),
  line("27", "22", "08:41:01", "02/17/2016 08:41:00", "08:40:01"),
].join(", ")}];`;
const leads = `let Leads=datatable(Contacts: string) ["Event: LeadContact (email=john@contosohotel.com, Website=https:contosohotel.com)", "Event: LeadContact (email=abi@fourthcoffee.com, Website=https:www.fourthcoffee.com)"];`;

documented({
  "as operator": [["range x from 1 to 5 step 1 | as T | union (T | where x > 4) | count", "[[6]]"]],
  "count operator": [["range x from 1 to 7 step 1 | count", "[[7]]"]],
  "datatable operator": [
    [
      `datatable(Date:datetime, Event:string, MoreData:dynamic) [datetime(1910-06-11), "Born", dynamic({"key1":"value1"}), datetime(1930-01-01), "Enters Ecole Navale", dynamic({"key1":"value3"})] | where strlen(Event) > 4 | extend key1 = MoreData.key1 | project Date, Event, key1`,
      '[["1930-01-01T00:00:00Z","Enters Ecole Navale","value3"]]',
    ],
  ],
  "getschema operator": [
    [
      'datatable (a: string, b: dynamic, c: dynamic)["Constant", dynamic([1, 2, 3, 4]), dynamic([6, 7, 8, 9])] | mv-expand b, c to typeof(int) | getschema',
      '[["a",0,"System.String","string"],["b",1,"System.Object","dynamic"],["c",2,"System.Int32","int"]]',
    ],
  ],
  "join: inner": [
    [`${sides} X | join kind=inner Y on Key`, '[["b",3,"b",10],["b",2,"b",10],["c",4,"c",20],["c",4,"c",30]]'],
  ],
  "join: innerunique": [
    [`${sides} X | join Y on Key`, '[["b",2,"b",10],["c",4,"c",20],["c",4,"c",30]]'],
    [
      'let t1 = datatable(key: long, value: string) [1, "val1.1", 1, "val1.2"]; let t2 = datatable(key: long, value: string) [1, "val1.3", 1, "val1.4"]; t1 | join kind = innerunique t2 on key',
      '[[1,"val1.1",1,"val1.3"],[1,"val1.1",1,"val1.4"]]',
    ],
  ],
  "join: leftouter": [
    [
      `${sides} X | join kind=leftouter Y on Key`,
      '[["a",1,"",null],["b",2,"b",10],["b",3,"b",10],["c",4,"c",20],["c",4,"c",30]]',
    ],
  ],
  "join: rightouter": [
    [
      `${sides} X | join kind=rightouter Y on Key`,
      '[["b",2,"b",10],["b",3,"b",10],["c",4,"c",20],["c",4,"c",30],["",null,"d",40]]',
    ],
  ],
  "join: fullouter": [
    [
      `${sides} X | join kind=fullouter Y on Key`,
      '[["a",1,"",null],["b",2,"b",10],["b",3,"b",10],["c",4,"c",20],["c",4,"c",30],["",null,"d",40]]',
    ],
  ],
  "join: leftanti": [[`${sides} X | join kind=leftanti Y on Key`, '[["a",1]]']],
  "join: rightanti": [[`${sides} X | join kind=rightanti Y on Key`, '[["d",40]]']],
  "join: leftsemi": [[`${sides} X | join kind=leftsemi Y on Key`, '[["b",2],["b",3],["c",4]]']],
  "join: rightsemi": [[`${sides} X | join kind=rightsemi Y on Key`, '[["b",10],["c",20],["c",30]]']],
  "join: cross": [
    [
      "let X = datatable(a:long)[1, 2]; let Y = datatable(b:long)[3, 4]; X | extend dummy=1 | join kind=inner (Y | extend dummy=1) on dummy | project a, b",
      "[[1,3],[1,4],[2,3],[2,4]]",
    ],
  ],
  "let statement": [
    ["let ['some number'] = 20; range y from 0 to ['some number'] step 5", "[[0],[5],[10],[15],[20]]"],
    [
      "let MultiplyByN = (val:long, n:long) { val * n }; range x from 1 to 5 step 1 | extend result = MultiplyByN(x, 5)",
      "[[1,5],[2,10],[3,15],[4,20],[5,25]]",
    ],
    [
      'let TrimOnes = (s:string) { trim("1", s) }; range x from 10 to 15 step 1 | extend result = TrimOnes(tostring(x))',
      '[[10,"0"],[11,""],[12,"2"],[13,"3"],[14,"4"],[15,"5"]]',
    ],
    [
      "let foo1 = (_start:long, _end:long, _step:long) { range x from _start to _end step _step}; let foo2 = (_step:long) { foo1(1, 100, _step)}; foo2(2) | count",
      "[[50]]",
    ],
    [
      "let Range10 = view () { range MyColumn from 1 to 10 step 1 }; let Range20 = view () { range MyColumn from 1 to 20 step 1 }; search MyColumn == 5",
      '[["Range10",5],["Range20",5]]',
    ],
    [
      'let StateState=(T: (State: string)) { T | extend s_s=strcat(State, State) }; datatable(State:string, n:long)["FLORIDA", 1] | invoke StateState() | project State, s_s',
      '[["FLORIDA","FLORIDAFLORIDA"]]',
    ],
    [
      "let CountRecordsInTable=(T: (*)) { T | count }; range x from 1 to 3 step 1 | invoke CountRecordsInTable()",
      "[[3]]",
    ],
  ],
  "lookup operator": [
    [
      `let FactTable=datatable(Row:string,Personal:string,Family:string) ["1", "Bill", "Gates", "2", "Bill", "Clinton", "3", "Bill", "Clinton", "4", "Steve", "Ballmer", "5", "Tim", "Cook"];
let DimTable=datatable(Personal:string,Family:string,Alias:string) ["Bill", "Gates", "billg", "Bill", "Clinton", "billc", "Steve", "Ballmer", "steveb", "Tim", "Cook", "timc"];
FactTable | lookup kind=leftouter DimTable on Personal, Family`,
      '[["1","Bill","Gates","billg"],["2","Bill","Clinton","billc"],["3","Bill","Clinton","billc"],["4","Steve","Ballmer","steveb"],["5","Tim","Cook","timc"]]',
    ],
  ],
  "mv-apply operator": [
    [
      "let data = datatable (index: int, Arr: dynamic) [0, dynamic([7]), 1, dynamic([6, 11, 7])]; data | mv-apply Arr2=Arr to typeof(long) on (take 100)",
      "[[0,[7],7],[1,[6,11,7],6],[1,[6,11,7],11],[1,[6,11,7],7]]",
    ],
    [
      "let data = datatable (index: int, Arr: dynamic) [0, dynamic([1, 5, 3]), 1, dynamic([10, 2, 5, 7])]; data | mv-apply topElem=Arr to typeof(long) on (top 1 by topElem)",
      "[[0,[1,5,3],5],[1,[10,2,5,7],10]]",
    ],
    [
      "let data = datatable (index: int, Arr: dynamic) [0, dynamic([5, 1, 3]), 1, dynamic([4, 10, 8, 7])]; data | mv-apply Arr2=Arr to typeof(long) on (top 2 by Arr2 | summarize Top2=make_list(Arr2))",
      "[[0,[5,1,3],[5,3]],[1,[4,10,8,7],[10,8]]]",
    ],
    [
      `datatable (Val:int, Arr1:dynamic, Arr2:dynamic) [1, dynamic(['A1', 'A2', 'A3']), dynamic([10, 30, 7]), 7, dynamic(['B1', 'B2', 'B5']), dynamic([15, 11, 50]), 3, dynamic(['C1', 'C2', 'C3', 'C4']), dynamic([6, 40, 20, 8])]
| mv-apply NewArr1=Arr1, NewArr2=Arr2 to typeof(long) on (top 2 by NewArr2 | summarize NewArr1=make_list(NewArr1), NewArr2=make_list(NewArr2)) | project Val, NewArr1, NewArr2 | sort by Val asc`,
      '[[1,["A2","A1"],[30,10]],[3,["C2","C3"],[40,20]],[7,["B5","B1"],[50,15]]]',
    ],
    [
      "let data = datatable (row: int, Arr: dynamic) [0, dynamic([5, 1, 3]), 1, dynamic([4, 10, 8, 7])]; data | mv-apply with_itemindex=index value=Arr to typeof(long) on (where index >= 2) | project row, value, index",
      "[[0,3,2],[1,8,2],[1,7,3]]",
    ],
    [
      `datatable (Val: int, Arr1: dynamic, Arr2: dynamic) [1, dynamic(['A1', 'A2']), dynamic(['B1', 'B2', 'B3']), 5, dynamic(['C1', 'C2']), dynamic(['D1'])]
| mv-apply T1=Arr1, T2=Arr2 on (extend Out = strcat(T1, "_", T2) | summarize Out= make_list(Out)) | project Val, Out`,
      '[[1,["A1_B1","A2_B2","_B3"]],[5,["C1_D1","C2_"]]]',
    ],
    [
      `datatable(Source: string, Target: string, Count: long) ['555-1234', '555-1212', 46, '555-2424', '', int(null)]
| extend Pack = pack_all() | mv-apply removeProperties = Pack on (mv-expand kind = array Pack | where Pack[1] !startswith "555" | summarize propsToRemove = make_set(Pack[0]))
| extend values = bag_remove_keys(Pack, propsToRemove) | project values`,
      '[[{"Source":"555-1234","Target":"555-1212"}],[{"Source":"555-2424"}]]',
    ],
  ],
  "mv-expand operator": [
    [
      "datatable (a: int, b: dynamic) [1, dynamic([10, 20]), 2, dynamic(['a', 'b'])] | mv-expand b",
      '[[1,10],[1,20],[2,"a"],[2,"b"]]',
    ],
    [
      'datatable (a: int, b: dynamic) [1, dynamic({"prop1": "a1", "prop2": "b1"}), 2, dynamic({"prop1": "a2", "prop2": "b2"})] | mv-expand b',
      '[[1,{"prop1":"a1"}],[1,{"prop2":"b1"}],[2,{"prop1":"a2"}],[2,{"prop2":"b2"}]]',
    ],
    [
      'datatable (a: int, b: dynamic) [1, dynamic({"prop1": "a1", "prop2": "b1"}), 2, dynamic({"prop1": "a2", "prop2": "b2"})] | mv-expand kind=array b | extend key = b[0], val=b[1]',
      '[[1,["prop1","a1"],"prop1","a1"],[1,["prop2","b1"],"prop2","b1"],[2,["prop1","a2"],"prop1","a2"],[2,["prop2","b2"],"prop2","b2"]]',
    ],
    [
      'datatable (a: int, b: dynamic, c: dynamic)[1, dynamic({"prop1": "a", "prop2": "b"}), dynamic([5, 4, 3])] | mv-expand b, c',
      '[[1,{"prop1":"a"},5],[1,{"prop2":"b"},4],[1,null,3]]',
    ],
    [
      'datatable (a: int, b: dynamic, c: dynamic) [1, dynamic({"prop1": "a", "prop2": "b"}), dynamic([5, 6])] | mv-expand b | mv-expand c',
      '[[1,{"prop1":"a"},5],[1,{"prop1":"a"},6],[1,{"prop2":"b"},5],[1,{"prop2":"b"},6]]',
    ],
    [
      "range x from 1 to 4 step 1 | summarize x = make_list(x) | mv-expand with_itemindex=Index x",
      "[[1,0],[2,1],[3,2],[4,3]]",
    ],
    [
      "datatable (a: int, b: dynamic) [1, dynamic([]), 2, dynamic(null), 3, dynamic([7])] | mv-expand b",
      "[[2,null],[3,7]]",
    ],
  ],
  "parse operator": [
    [
      `${traces} Traces | parse EventText with ${wholePattern} | project resourceName, totalSlices, sliceNumber, lockTime, releaseTime, previousLockTime`,
      '[["PipelineScheduler",27,15,"02/17/2016 08:40:00","2016-02-17T08:40:00Z","2016-02-17T08:39:00Z"],["PipelineScheduler",27,23,"02/17/2016 08:40:01","2016-02-17T08:40:01Z","2016-02-17T08:39:01Z"],["PipelineScheduler",27,20,"02/17/2016 08:40:01","2016-02-17T08:40:01Z","2016-02-17T08:39:01Z"]]',
    ],
    [
      `${leads} Leads | parse Contacts with * "email=" alias:string "@" domain: string ", Website=https:" WebsiteDomain: string ")" | project EmailAddress=strcat(alias, "@", domain), EmailAlias=alias, WebsiteDomain`,
      '[["john@contosohotel.com","john","contosohotel.com"],["abi@fourthcoffee.com","abi","www.fourthcoffee.com"]]',
    ],
    [
      `${traces} Traces | parse kind=regex EventText with "(.*?)[a-zA-Z]*=" resourceName @", totalSlices=\\s*\\d+\\s*.*?sliceNumber=" sliceNumber: long ".*?(previous)?lockTime=" lockTime ".*?releaseTime=" releaseTime ".*?previousLockTime=" previousLockTime: date "\\\\)" | project resourceName, sliceNumber, lockTime, releaseTime, previousLockTime`,
      '[["PipelineScheduler",15,"02/17/2016 08:40:00, ","02/17/2016 08:40:00, ","2016-02-17T08:39:00Z"],["PipelineScheduler",23,"02/17/2016 08:40:01, ","02/17/2016 08:40:01, ","2016-02-17T08:39:01Z"],["PipelineScheduler",20,"02/17/2016 08:40:01, ","02/17/2016 08:40:01, ","2016-02-17T08:39:01Z"]]',
    ],
    [
      `${traces} Traces | parse kind=regex EventText with * "resourceName=" resourceName ',' * | project resourceName`,
      '[["PipelineScheduler, totalSlices=27, sliceNumber=23, lockTime=02/17/2016 08:40:01, releaseTime=02/17/2016 08:40:01"],["PipelineScheduler, totalSlices=27, sliceNumber=15, lockTime=02/17/2016 08:40:00, releaseTime=02/17/2016 08:40:00"],["PipelineScheduler, totalSlices=27, sliceNumber=20, lockTime=02/17/2016 08:40:01, releaseTime=02/17/2016 08:40:01"]]',
    ],
    [
      `${traces} Traces | parse kind=regex flags=Ui EventText with * "RESOURCENAME=" resourceName ',' * | project resourceName`,
      '[["PipelineScheduler"],["PipelineScheduler"],["PipelineScheduler"]]',
    ],
    [
      `${relaxed} Traces | parse kind=relaxed EventText with * "resourceName=" resourceName ", totalSlices=" totalSlices: long ", sliceNumber=" sliceNumber: long * "lockTime=" lockTime ", releaseTime=" releaseTime: date "," * "previousLockTime=" previousLockTime: date ")" * | project-away EventText`,
      '[["PipelineScheduler",27,15,"02/17/2016 08:40:00",null,"2016-02-17T08:39:00Z"],["PipelineScheduler",27,23,"02/17/2016 08:40:01",null,"2016-02-17T08:39:01Z"],["PipelineScheduler",null,20,"02/17/2016 08:40:01",null,"2016-02-17T08:39:01Z"],["PipelineScheduler",null,16,"02/17/2016 08:41:00","2016-02-17T08:41:00Z","2016-02-17T08:40:00Z"],["PipelineScheduler",27,22,"02/17/2016 08:41:01","2016-02-17T08:41:00Z","2016-02-17T08:40:01Z"]]',
    ],
    [
      `${broken} Traces | parse EventText with ${wholePattern} | project resourceName, totalSlices, sliceNumber, lockTime, releaseTime, previousLockTime`,
      '[["",null,null,"",null,null],["",null,null,"",null,null],["",null,null,"",null,null],["PipelineScheduler",27,20,"02/17/2016 08:40:01","2016-02-17T08:40:01Z","2016-02-17T08:39:01Z"],["PipelineScheduler",27,22,"02/17/2016 08:41:01","2016-02-17T08:41:00Z","2016-02-17T08:40:01Z"]]',
    ],
  ],
  "parse-where operator": [
    [
      `${broken} Traces | parse-where EventText with ${wholePattern} | project resourceName, totalSlices, sliceNumber, lockTime, releaseTime, previousLockTime`,
      '[["PipelineScheduler",27,20,"02/17/2016 08:40:01","2016-02-17T08:40:01Z","2016-02-17T08:39:01Z"],["PipelineScheduler",27,22,"02/17/2016 08:41:01","2016-02-17T08:41:00Z","2016-02-17T08:40:01Z"]]',
    ],
    [
      `${upper} Traces | parse-where kind = regex EventText with * "RESOURCENAME=" resourceName "," * "totalSlices=" totalSlices: long "," * | project resourceName, totalSlices`,
      "[]",
    ],
    [
      `${upper} Traces | parse-where kind = regex flags=i EventText with * "RESOURCENAME=" resourceName "," * "totalSlices=" totalSlices: long "," * | project resourceName, totalSlices`,
      '[["PipelineScheduler",27],["PipelineScheduler",27]]',
    ],
  ],
  "print operator": [
    ['print 0 + 1 + 2 + 3 + 4 + 5, x = "Wow!"', '[[15,"Wow!"]]'],
    ['print banner=strcat("Hello", ", ", "World!")', '[["Hello, World!"]]'],
  ],
  "project-reorder operator": [
    ["print a='a', b='b', c='c' | project-reorder b", '[["b","a","c"]]'],
    ["print b = 'b', a2='a2', a3='a3', a1='a1' | project-reorder a* asc", '[["a1","a2","a3","b"]]'],
  ],
  "project-rename operator": [
    [
      "print a='alpha', b='bravo', c='charlie' | project-rename new_a=a, new_b=b, new_c=c",
      '[["alpha","bravo","charlie"]]',
    ],
  ],
  "project-away operator": [["datatable(a:int, b:int, c:int)[1, 2, 3] | project-away a*, c", "[[2]]"]],
  "project-keep operator": [["print a=1, a2=2, b=3 | project-keep a*", "[[1,2]]"]],
  "sort operator": [
    [
      "datatable(v:real)[real(null), 5, real(-inf), 0, real(+inf), -5] | sort by v asc",
      '[[null],["-Infinity"],[-5],[0],[5],["Infinity"]]',
    ],
    [
      "datatable(v:real)[real(null), 5, real(-inf), 0, real(nan), real(+inf), -5] | sort by v desc nulls first",
      '[[null],["NaN"],["Infinity"],[5],[0],[-5],["-Infinity"]]',
    ],
    [
      "datatable(v:real)[5, real(-inf), 0, real(nan), real(+inf), -5, real(null)] | sort by v desc",
      '[["Infinity"],[5],[0],[-5],["-Infinity"],["NaN"],[null]]',
    ],
  ],
  "take operator": [["range x from 1 to 5 step 1 | sort by x desc | take 2", "[[5],[4]]"]],
  "top operator": [
    ["range x from 1 to 5 step 1 | top 2 by x", "[[5],[4]]"],
    ["range x from 1 to 5 step 1 | top 2 by x asc", "[[1],[2]]"],
  ],
  "distinct operator": [
    ["datatable(a:string, b:int)['x', 1, 'x', 1, 'y', 2] | distinct a, b", '[["x",1],["y",2]]'],
    ["datatable(a:string, b:int)['x', 1, 'x', 1, 'y', 2] | distinct *", '[["x",1],["y",2]]'],
  ],
  "toscalar()": [
    [
      "let _dataset = range x from 1 to 5 step 1; let x = toscalar(_dataset | summarize max(x)); range z from 1 to 1 step 1 | extend y = x + toscalar(range a from 1 to 3 step 1 | count)",
      "[[1,8]]",
    ],
  ],
  "materialize()": [
    [
      "let randomSet = materialize(range x from 1 to 30 step 1 | project value = rand()); randomSet | join kind=inner randomSet on value | count",
      "[[30]]",
    ],
  ],
  "union operator": [
    [
      "let View_1 = view () { print x=1 }; let View_2 = view () { print x=toint(2) }; union withsource=TableName View_1, View_2",
      '[["View_1",1,null],["View_2",null,2]]',
    ],
    [
      "let View_1 = view () { print x=1 }; let View_2 = view () { print x=toint(2) }; let View_3 = view () { print x_long=3 }; union withsource=TableName View_1, View_2, View_3",
      '[["View_1",1,null,null],["View_2",null,2,null],["View_3",null,null,3]]',
    ],
    [
      "let View_1 = view () { print x=1 }; let View_2 = view () { print x=1 }; let OtherView_1 = view () { print x=1 }; union isfuzzy=true (View_1 | where x > 0), (View_2 | where x > 0), (View_3 | where x > 0) | count",
      "[[2]]",
    ],
    [
      "let View_1 = view () { print x=1 }; let View_2 = view () { print x=1 }; let OtherView_1 = view () { print x=1 }; union isfuzzy=true View*, SomeView*, OtherView* | count",
      "[[3]]",
    ],
    ["union kind=inner (print a=1, b=2), (print a=3, c=4)", "[[1],[3]]"],
    ["union kind=inner (print a=1, b=2), (print a=3, c=4) | extend d = a + 1 | project-away a", "[[2],[4]]"],
  ],
  "in operator": [
    [
      'datatable(State:string)["FLORIDA", "TEXAS", "GEORGIA"] | where State in~ ("florida", "georgia") | count',
      "[[2]]",
    ],
    ['datatable(State:string)["FLORIDA", "TEXAS"] | where State in~ (dynamic(["florida"]))', '[["FLORIDA"]]'],
    [
      'let states = dynamic(["FLORIDA", "georgia"]); datatable(State:string)["FLORIDA", "TEXAS", "GEORGIA"] | where State has_any (states) | count',
      "[[2]]",
    ],
    [
      'let large = datatable(State:string, n:long)["TEXAS", 9, "OHIO", 1] | where n > 5 | project State; datatable(State:string)["Texas", "OHIO"] | where State in~ (large)',
      '[["Texas"]]',
    ],
  ],
  "prev()": [
    [
      "datatable(x:long)[1, 5, 7] | serialize p = prev(x), n = next(x), p2 = prev(x, 2, -1)",
      "[[1,null,5,-1],[5,1,7,-1],[7,5,null,1]]",
    ],
  ],
  "row_cumsum()": [
    [
      "datatable (a:long) [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] | where a%2==0 | serialize cs=row_cumsum(a)",
      "[[2,2],[4,6],[6,12],[8,20],[10,30]]",
    ],
    [
      'datatable (name:string, month:int, salary:long) ["Alice", 1, 1000, "Bob", 1, 1000, "Alice", 2, 2000, "Bob", 2, 1950, "Alice", 3, 1400, "Bob", 3, 1450] | order by name asc, month asc | extend total=row_cumsum(salary, name != prev(name))',
      '[["Alice",1,1000,1000],["Alice",2,2000,3000],["Alice",3,1400,4400],["Bob",1,1000,1000],["Bob",2,1950,2950],["Bob",3,1450,4400]]',
    ],
  ],
  "row_number()": [
    ["range a from 1 to 3 step 1 | sort by a desc | extend rn=row_number()", "[[3,1],[2,2],[1,3]]"],
    ["range a from 1 to 3 step 1 | sort by a desc | extend rn=row_number(7)", "[[3,7],[2,8],[1,9]]"],
    [
      'datatable (a:string, b:long) ["x", 1, "x", 2, "y", 3] | sort by b asc | extend rn=row_number(1, prev(a) != a)',
      '[["x",1,1],["x",2,2],["y",3,1]]',
    ],
  ],
  "row_rank_dense()": [
    [
      'datatable (Airport:string, Airline:string, Departures:long) ["SEA", "LH", 3, "SEA", "LY", 100, "SEA", "UA", 3, "SEA", "BA", 2, "SEA", "EL", 3] | sort by Departures asc | extend Rank=row_rank_dense(Departures) | project Departures, Rank',
      "[[2,1],[3,2],[3,2],[3,2],[100,3]]",
    ],
    [
      'datatable (Airport:string, Airline:string, Departures:long) ["SEA", "LH", 3, "SEA", "LY", 100, "SEA", "UA", 3, "SEA", "BA", 2, "SEA", "EL", 3, "AMS", "EL", 1, "AMS", "BA", 1] | sort by Airport desc, Departures asc | extend Rank=row_rank_dense(Departures, prev(Airport) != Airport) | project Airport, Departures, Rank',
      '[["SEA",2,1],["SEA",3,2],["SEA",3,2],["SEA",3,2],["SEA",100,3],["AMS",1,1],["AMS",1,1]]',
    ],
  ],
  "row_rank_min()": [
    [
      "datatable (Departures:long) [3, 100, 3, 2, 3] | sort by Departures asc | extend Rank=row_rank_min(Departures)",
      "[[2,1],[3,2],[3,2],[3,2],[100,5]]",
    ],
  ],
});
